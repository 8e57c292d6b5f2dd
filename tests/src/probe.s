# SPDX-License-Identifier: MIT OR Apache-2.0
#
# A bzImage that is no kernel: it prints `@probe COMMAND LINE@CRC-32 of the
# initramfs@BYTES@` (hexadecimal digits) on the first serial port, and leaves
# QEMU by isa-debug-exit, or powers off.

.pushsection .rodata.replant_probe,"a",@progbits
.balign 16
.globl replant_probe
.hidden replant_probe
.type replant_probe, @object
.code16
replant_probe:
.set pr, replant_probe
    .org pr + 0x1f1
    .byte 1                        # a sector of setup
    .word 1
    .long (pr_end - pr_high) / 16
    .word 0, 0xffff, 0
    .word 0xaa55
    jmp pr_setup
    .ascii "HdrS"
    .word 0x020f
    .org pr + 0x20e
    .word pr_version - pr - 0x200
    .org pr + 0x211
    .byte 1                        # loaded to 1 MiB
    .org pr + 0x214
    .long 0x100000
    .org pr + 0x22c
    .long 0x7fffffff
    .long 0x200000
    .byte 1, 21
    .word 0
    .long 2047
    .org pr + 0x258                # takes memory as Debian 12's kernel does
    .quad 0x1000000
    .long 0x3f98000
    .org pr + 0x268
pr_version:
    .asciz "6.1.0-probe (nobody) #1"

# Into 32-bit mode, with esi: this setup.
pr_setup:
    cli
    xorl %eax, %eax
    movw %ds, %ax
    shll $4, %eax
    movl %eax, %esi
    addl %eax, pr_gdtr - pr + 2
    lgdtl pr_gdtr - pr
    movl %cr0, %ebx
    orb $1, %bl
    movl %ebx, %cr0
    movw $16, %bx
    movw %bx, %ds
    movw %bx, %es
    movw %bx, %ss
    .byte 0x66                     # ljmpl $8, $0x100000
    ljmpw $0x10, $0
    .word 8
    .balign 8
pr_gdt:
    .quad 0
    .quad 0x00cf9b000000ffff
    .quad 0x00cf93000000ffff
pr_gdtr:
    .word 23
    .long pr_gdt - pr
    .org pr + 1024

.code32
pr_high:
    movl $0x80000, %esp
    call 1f
1:  popl %ebp
    subl $(1b - pr_high), %ebp     # where this lies
    movl %esi, %ebx
    leal pr_hello - pr_high(%ebp), %esi
    call pr_print
    movl 0x228(%ebx), %esi
    call pr_print
    call pr_at

    # CRC-32, with a table below 0x40000.
    movl $0x3fc00, %edi
    xorl %edx, %edx
2:  movl %edx, %eax
    movl $8, %ecx
3:  shrl %eax
    jnc 4f
    xorl $0xedb88320, %eax
4:  loop 3b
    movl %eax, (%edi,%edx,4)
    incb %dl
    jnz 2b
    movl 0x218(%ebx), %esi
    movl 0x21c(%ebx), %ecx
    orl $-1, %eax
    jecxz 6f
5:  movzbl (%esi), %edx
    incl %esi
    xorb %al, %dl
    shrl $8, %eax
    xorl (%edi,%edx,4), %eax
    loop 5b
6:  notl %eax
    call pr_hex
    call pr_at
    movl 0x21c(%ebx), %eax
    call pr_hex
    call pr_at
    movb $'\n', %al
    call pr_byte
    movb $0x21, %al
    movw $0x501, %dx
    outb %al, %dx
    movw $0x604, %dx
    movw $0x2000, %ax
    outw %ax, %dx
    cli
7:  hlt
    jmp 7b

pr_hex:
    movl $8, %ecx
1:  roll $4, %eax
    pushl %eax
    andb $15, %al
    cmpb $10, %al
    jb 2f
    addb $('a' - '0' - 10), %al
2:  addb $'0', %al
    call pr_byte
    popl %eax
    loop 1b
    ret

pr_print:
    lodsb
    testb %al, %al
    jz 1f
    call pr_byte
    jmp pr_print
1:  ret

pr_at:
    movb $'@', %al
pr_byte:
    pushl %ecx
    movb %al, %ah
    movw $0x3fd, %dx
    movl $0x10000, %ecx
1:  inb %dx, %al
    testb $0x20, %al
    loopz 1b
    movw $0x3f8, %dx
    movb %ah, %al
    outb %al, %dx
    popl %ecx
    ret

pr_hello:
    .asciz "\r\n@probe "
    .org pr + 1536
pr_end:
.size replant_probe, 1536

# A boot sector that prints `@old XX@`, the drive that it got, and leaves.
.globl replant_old_sector
.hidden replant_old_sector
.type replant_old_sector, @object
.code16
replant_old_sector:
.set old, replant_old_sector
    movb %dl, %bl
    xorw %ax, %ax
    movw %ax, %ds
    movw $(old_text - old + 0x7c00), %si
1:  lodsb
    testb %al, %al
    jz 2f
    call old_byte
    jmp 1b
2:  movb %bl, %al
    shrb $4, %al
    call old_digit
    movb %bl, %al
    call old_digit
    movb $'@', %al
    call old_byte
    movb $0x23, %al
    movw $0x501, %dx
    outb %al, %dx
3:  hlt
    jmp 3b
old_digit:
    andb $15, %al
    addb $'0', %al
    cmpb $('9' + 1), %al
    jb old_byte
    addb $('a' - '9' - 1), %al
old_byte:
    movb %al, %ah
    movw $0x3fd, %dx
    xorw %cx, %cx
4:  inb %dx, %al
    testb $0x20, %al
    loopz 4b
    movw $0x3f8, %dx
    movb %ah, %al
    outb %al, %dx
    ret
old_text:
    .asciz "\r\n@old "
    .org old + 510
    .byte 0x55, 0xaa
.size replant_old_sector, 512

# A boot sector that switches A20 off, makes the BIOS refuse to switch it on,
# and starts sector 2.
.globl replant_a20_off
.hidden replant_a20_off
.type replant_a20_off, @object
replant_a20_off:
.set off, replant_a20_off
    cli
    xorw %ax, %ax
    movw %ax, %ss
    movw $0x7c00, %si
    movw %si, %sp
    movw %ax, %ds
    movw $0x80, %ax
    movw %ax, %es
    xorw %di, %di
    movw $256, %cx
    rep movsw
    movw %ax, %ds
    sti
    ljmpw $0x80, $(1f - off)
1:  movw $0x2400, %ax
    int $0x15
    xorw %ax, %ax
    movw %ax, %es
    movl %es:0x15 * 4, %eax
    movl %eax, off_bios - off
    movl $(0x800000 + off_int15 - off), %es:0x15 * 4
    movw $(off_packet - off), %si
    movb $0x42, %ah
    int $0x13
    ljmpw $0, $0x7c00
off_int15:
    cmpw $0x2401, %ax
    je 1f
    ljmpw *%cs:off_bios - off
1:  pushw %bp
    movw %sp, %bp
    orb $1, 6(%bp)
    popw %bp
    iretw
off_bios:
    .long 0
off_packet:
    .byte 16, 0
    .word 1, 0x7c00, 0
    .quad 2
    .org off + 510
    .byte 0x55, 0xaa
.size replant_a20_off, 512
.code64
.popsection
