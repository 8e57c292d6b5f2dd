# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Stage 2: the beginning of a blob, which stage 1 has read to 1000:0000.
#
# It puts kernel and initramfs where the load table says, looks at the CRC-32
# of each as it lies in memory, and starts the kernel's 16-bit entry. It
# decides nothing: the header says all (ondisk::lifeboat, blob.rs). What fails
# is told in words, and stage 1, which called, tries what comes next.
#
# Memory: 0x00600 stage 1, below 0x07c00 the stack, 0x10000 the blob, 0x20000
# what the BIOS reads into, 0x28000 the table of the CRC-32, 0x30000 the
# kernel's setup, its heap and its command line.

.pushsection .rodata.replant_loader_stage2,"a",@progbits
.balign 16
.globl replant_loader_stage2
.hidden replant_loader_stage2
.type replant_loader_stage2, @object
.code16
replant_loader_stage2:
.set s2, replant_loader_stage2
.set S2_BUFFER, 0x20000            # physical; on a border of 64 KiB
.set S2_SECTORS, 64                # how many it holds
.set S2_CRC, 0x28000
    jmp s2_start

    .org s2 + 0x04
    .ascii "RPL2"
    .fill 16                       # 0x08 the staging's id, not for us
s2_table:         .word 0          # 0x18 offset of the load table in the blob
s2_kernel_count:  .word 0          # 0x1a its entries for the kernel,
s2_initrd_count:  .word 0          # 0x1c then those for the initramfs
s2_setup:         .word 0          # 0x1e offset of the kernel's setup
s2_setup_bytes:   .word 0          # 0x20
s2_line:          .word 0          # 0x22 offset of the command line
s2_line_bytes:    .word 0          # 0x24 with the NUL at its end
s2_line_drive:    .word 0          # 0x26 offset of the two digits of the drive
s2_line_way:      .word 0          # 0x28 offset of the way's four letters
                  .word 0          # 0x2a offset of the old boot sector, not for us
s2_kernel_bytes:  .long 0          # 0x2c what the sum is over, and the sum
                  .long 0
s2_initrd_bytes:  .long 0          # 0x34
                  .long 0
s2_ranges:        .fill 3 * 8      # 0x3c {u32 first, u32 end}: must be RAM
s2_ranges_end:
s2_copy:          .byte 0          # 0x54 a letter: which copy this is
    .org s2 + 0x60

s2_start:
    pushw %cs
    popw %ds
    movw %sp, s2_sp - s2
    movw %dx, s2_given - s2        # dl as the BIOS passed it, dh to read from
    movl %ecx, s2_way - s2
    cld
    movb s2_copy - s2, %al
    movb %al, s2_hello_copy - s2
    movw $(s2_hello - s2), %si
    call s2_print
    call s2_a20
    movw $(s2_no_a20 - s2), %si
    jnz s2_fail
    call s2_memory
    call s2_crc_table

    movw s2_table - s2, %ax
    movw %ax, s2_entry - s2
    movw $(s2_kernel_bytes - s2), %si
    movw s2_kernel_count - s2, %cx
    call s2_load
    movw $(s2_bad_kernel - s2), %si
    jne s2_fail
    movw $(s2_initrd_bytes - s2), %si
    movw s2_initrd_count - s2, %cx
    call s2_load
    movw $(s2_bad_initrd - s2), %si
    jne s2_fail

    # The drive and the way into the command line.
    movw s2_line_way - s2, %di
    movl s2_way - s2, %eax
    movl %eax, (%di)
    movw s2_line_drive - s2, %di
    movb s2_given - s2, %al
    shrb $4, %al
    call s2_digit
    movb %al, (%di)
    movb s2_given - s2, %al
    call s2_digit
    movb %al, 1(%di)

    # The setup to 3000:0000, the command line to 3000:f000.
    movw $0x3000, %ax
    movw %ax, %es
    movw s2_setup - s2, %si
    movw s2_setup_bytes - s2, %cx
    xorw %di, %di
    rep movsb
    movw s2_line - s2, %si
    movw s2_line_bytes - s2, %cx
    movw $0xf000, %di
    rep movsb
    movw $(s2_done - s2), %si
    call s2_print
    cli
    movw %es, %ax
    movw %ax, %ds
    movw %ax, %fs
    movw %ax, %gs
    movw %ax, %ss
    movw $0xe000, %sp
    ljmpw $0x3020, $0

# Tells the text at si, and returns to stage 1.
s2_fail:
    call s2_print
    movw s2_sp - s2, %sp
    lretw

# Loads cx entries of the table, from s2_entry on. si: {u32 bytes, u32 CRC-32}
# of what they make. ZF: the sum is right.
s2_load:
    movl (%si), %eax
    movl %eax, s2_to_sum - s2
    pushl 4(%si)
    movl $0xffffffff, s2_crc - s2
    testw %cx, %cx
    jz s2_load_end
s2_load_entry:
    pushw %cx
    movw s2_entry - s2, %si
    addw $16, s2_entry - s2
    pushw %ds
    popw %es
    movw $(s2_lba - s2), %di       # lba, sectors and address, in this order
    movw $8, %cx
    rep movsw
s2_load_chunk:
    movl s2_left - s2, %eax
    testl %eax, %eax
    jz s2_load_next
    movb $6, s2_tries - s2
1:  movzwl s2_most - s2, %ebx
    movl s2_left - s2, %eax
    cmpl %ebx, %eax
    jbe 2f
    movl %ebx, %eax
2:  movw %ax, s2_packet_sectors - s2
    call s2_read
    jnc 4f
    xorw %ax, %ax                  # reset, then fewer sectors at a time
    movb s2_drive - s2, %dl
    int $0x13
    cmpw $1, s2_most - s2
    je 3f
    shrw $3, s2_most - s2
3:  decb s2_tries - s2
    jnz 1b
    movl s2_lba + 4 - s2, %eax
    movw $(s2_no_sector_high - s2), %di
    call s2_hex
    movl s2_lba - s2, %eax
    call s2_hex
    movw $(s2_no_sector - s2), %si
    jmp s2_fail
4:  call s2_move
    movzwl s2_packet_sectors - s2, %ecx
    subl %ecx, s2_left - s2
    addl %ecx, s2_lba - s2
    adcl $0, s2_lba + 4 - s2
    shll $9, %ecx
    addl %ecx, s2_address - s2
    movl s2_loaded - s2, %eax      # a dot for each MiB
    addl %ecx, s2_loaded - s2
    xorl s2_loaded - s2, %eax
    shrl $20, %eax
    jz s2_load_chunk
    movw $(s2_dot - s2), %si
    call s2_print
    jmp s2_load_chunk
s2_load_next:
    popw %cx
    decw %cx
    jnz s2_load_entry
s2_load_end:
    popl %ebx
    movl s2_crc - s2, %eax
    notl %eax
    cmpl %ebx, %eax
    ret

# Reads s2_packet_sectors from s2_lba on into the buffer. CF: failed.
s2_read:
    movl s2_lba - s2, %eax
    movl %eax, s2_packet_lba - s2
    movl s2_lba + 4 - s2, %eax
    movl %eax, s2_packet_lba + 4 - s2
    pushw %ds
    movw $(s2_packet - s2), %si
    movb s2_drive - s2, %dl
    movb $0x42, %ah
    int $0x13
    popw %ds
    cld
    ret

# Copies the buffer to s2_address, and adds what is there now to the sum. In
# protected mode, for the place is above 1 MiB; without a stack, for that is
# real mode's.
s2_move:
    movzwl s2_packet_sectors - s2, %ecx
    shll $9, %ecx
    movl s2_to_sum - s2, %edx      # no more than the file is long
    cmpl %ecx, %edx
    jbe 1f
    movl %ecx, %edx
1:  subl %edx, s2_to_sum - s2
    shrl $2, %ecx
    movl $S2_BUFFER, %esi
    movl s2_address - s2, %edi
    movl %edi, %ebp
    movl s2_crc - s2, %eax
    pushw %ds
    pushfw
    cli
    lgdtl s2_gdtr - s2
    movl %cr0, %ebx
    orb $1, %bl
    movl %ebx, %cr0
    ljmpw $8, $(2f - s2)
2:  movw $16, %bx
    movw %bx, %ds
    movw %bx, %es
    rep movsl (%esi), %es:(%edi)
    movl %ebp, %esi
    movl $S2_CRC, %edi
    testl %edx, %edx
    jz 4f
3:  movzbl (%esi), %ebx
    incl %esi
    xorb %al, %bl
    shrl $8, %eax
    xorl (%edi,%ebx,4), %eax
    decl %edx
    jnz 3b
4:  movw $24, %bx                  # the limits of real mode
    movw %bx, %ds
    movw %bx, %es
    movl %cr0, %ebx
    andb $0xfe, %bl
    movl %ebx, %cr0
    ljmpw $0x1000, $(5f - s2)
5:  popfw
    popw %ds
    movl %eax, s2_crc - s2
    ret

# The table of the CRC-32 (IEEE 802.3).
s2_crc_table:
    movw $(S2_CRC >> 4), %ax
    movw %ax, %es
    xorw %di, %di
    xorl %edx, %edx
1:  movl %edx, %eax
    movw $8, %cx
2:  shrl $1, %eax
    jnc 3f
    xorl $0xedb88320, %eax
3:  loop 2b
    stosl
    incb %dl
    jnz 1b
    ret

# Whether the ranges of the header are RAM, by INT 15h AX=E820h; does not
# return when one is not.
s2_memory:
    movw $(S2_BUFFER >> 4), %ax
    movw %ax, %es
    xorw %di, %di
    movw $(s2_ranges - s2), %si
s2_range:
    movl (%si), %ebp               # RAM from the range's start to here
s2_map:
    movb $0, s2_grew - s2
    xorl %ebx, %ebx
s2_map_entry:
    movl $0xe820, %eax
    movl $20, %ecx
    movl $0x534d4150, %edx         # SMAP
    pushw %si
    pushl %ebp
    int $0x15
    popl %ebp
    popw %si
    jc s2_no_entry
    cmpl $0x534d4150, %eax
    jne s2_no_entry
    # {u64 base, u64 length, u32 type} at es:di. All above 4 GiB is none of
    # ours, and what reaches there ends there.
    cmpl $0, %es:4(%di)
    jne s2_map_next
    movl %es:(%di), %ecx
    movl %es:8(%di), %edx
    addl %ecx, %edx
    jc 1f
    cmpl $0, %es:12(%di)
    je 2f
1:  movl $0xffffffff, %edx
2:  cmpl $1, %es:16(%di)
    jne 3f
    cmpl %ebp, %ecx                # goes on from there?
    ja s2_map_next
    cmpl %ebp, %edx
    jbe s2_map_next
    movl %edx, %ebp
    movb $1, s2_grew - s2
    jmp s2_map_next
3:  cmpl %ecx, %edx                # something else: not in the range
    je s2_map_next
    cmpl 4(%si), %ecx
    jae s2_map_next
    cmpl (%si), %edx
    jbe s2_map_next
    movl %ecx, %ebp
    jmp s2_too_little
s2_map_next:
    testl %ebx, %ebx
    jnz s2_map_entry
s2_map_end:
    cmpl 4(%si), %ebp
    jae s2_range_next
    cmpb $0, s2_grew - s2
    jne s2_map
s2_too_little:
    movl %ebp, %eax
    movw $(s2_no_ram_address - s2), %di
    call s2_hex
    movw $(s2_no_ram - s2), %si
    jmp s2_fail
s2_range_next:
    addw $8, %si
    cmpw $(s2_ranges_end - s2), %si
    jb s2_range
    ret
s2_no_entry:
    testl %ebx, %ebx               # some BIOSes end their list so
    jnz s2_map_end
    movw $(s2_no_map - s2), %si
    jmp s2_fail

# Switches A20 on: BIOS, port 0x92, keyboard controller, each with a look
# whether it helped. ZF: it is on.
s2_a20:
    call s2_a20_test
    jz 9f
    movw $0x2401, %ax
    int $0x15
    call s2_a20_test
    jz 9f
    inb $0x92, %al
    testb $2, %al
    jnz 1f
    orb $2, %al
    andb $0xfe, %al                # bit 0 resets
    outb %al, $0x92
1:  call s2_a20_test
    jz 9f
    call s2_keyboard
    movb $0xd1, %al
    outb %al, $0x64
    call s2_keyboard
    movb $0xdf, %al
    outb %al, $0x60
    call s2_keyboard
    call s2_a20_test
9:  ret

# Waits until the keyboard controller takes a byte, not for ever.
s2_keyboard:
    xorw %cx, %cx
1:  inb $0x64, %al
    testb $2, %al
    loopnz 1b
    ret

# Whether a change at 0x200 is seen at 0x100200, for a while. ZF: it is not,
# A20 is on.
s2_a20_test:
    xorw %ax, %ax
    movw %ax, %fs
    decw %ax
    movw %ax, %gs
    movw $0x2000, %cx
    movl %fs:0x200, %eax
    pushl %eax
1:  incl %eax
    movl %eax, %fs:0x200
    outb %al, $0x80                # takes a microsecond
    cmpl %eax, %gs:0x210
    loope 1b
    popl %fs:0x200
    sete %al
    testb %al, %al
    ret

# Eight digits of eax to di, which moves on.
s2_hex:
    movw $8, %cx
1:  roll $4, %eax
    pushl %eax
    call s2_digit
    movb %al, (%di)
    incw %di
    popl %eax
    loop 1b
    ret

# The digit of al's lower half, in al.
s2_digit:
    andb $0x0f, %al
    cmpb $10, %al
    sbbb $0x69, %al
    das
    orb $0x20, %al                 # lower case; digits have that bit
    ret

# Prints the text at si, on the screen and on the first serial port.
s2_print:
    lodsb
    testb %al, %al
    jz 9f
    pushaw
    movb $0x0e, %ah
    movw $7, %bx
    int $0x10
    popaw
    movb %al, %ah
    xorw %cx, %cx
    movw $0x3fd, %dx
1:  inb %dx, %al
    testb $0x20, %al
    loopz 1b
    movb $0xf8, %dl
    movb %ah, %al
    outb %al, %dx
    jmp s2_print
9:  ret

s2_hello:
    .ascii "\r\nreplant: loading, copy "
s2_hello_copy:
    .asciz "  "
s2_dot:
    .asciz "."
s2_done:
    .asciz " started\r\n"
s2_no_a20:
    .asciz "\r\nreplant: cannot address memory above 1 MiB (A20)"
s2_no_map:
    .asciz "\r\nreplant: the BIOS does not say what memory there is (E820)"
s2_no_ram:
    .ascii "\r\nreplant: too little memory: no RAM at 0x"
s2_no_ram_address:
    .asciz "00000000"
s2_no_sector:
    .ascii "\r\nreplant: cannot read sector 0x"
s2_no_sector_high:
    .asciz "0000000000000000"
s2_bad_kernel:
    .asciz "\r\nreplant: this copy of the kernel is damaged (CRC-32)"
s2_bad_initrd:
    .asciz "\r\nreplant: this copy of the initramfs is damaged (CRC-32)"

    .balign 8
s2_gdt:
    .quad 0
    .word 0xffff, 0
    .byte 1, 0x9b, 0, 0            # 8: this code, 16 bit, at 0x10000
    .word 0xffff, 0
    .byte 0, 0x93, 0xcf, 0         # 16: all 4 GiB
    .word 0xffff, 0
    .byte 0, 0x93, 0, 0            # 24: the limits of real mode
s2_gdtr:
    .word s2_gdtr - s2_gdt - 1
    .long 0x10000 + s2_gdt - s2

    .balign 4
s2_packet:                         # of INT 13h AH=42h
    .byte 16, 0
s2_packet_sectors:
    .word 0
    .word 0, S2_BUFFER >> 4
s2_packet_lba:
    .quad 0
s2_lba:     .quad 0                # these four as in the load table
s2_left:    .long 0
s2_address: .long 0
s2_crc:     .long 0
s2_to_sum:  .long 0                # bytes that are still to be added to it
s2_loaded:  .long 0
s2_way:     .long 0
s2_sp:      .word 0
s2_entry:   .word 0
s2_most:    .word S2_SECTORS       # sectors of one read
s2_given:   .byte 0                # these two as in dx
s2_drive:   .byte 0
s2_tries:   .byte 0
s2_grew:    .byte 0
    .org s2 + 2048
.size replant_loader_stage2, 2048
.code64
.popsection
