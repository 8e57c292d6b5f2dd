# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Stage 1: a boot sector of 512 bytes.
#
# It goes through four entries, the parameters that ondisk::lifeboat fills in
# (boot_sector.rs): the two blobs, then the old boot sector in each of them.
# The latter two have no sectors once the way back to the old system is
# closed. What is read with the right CRC-32 is called; what comes back from
# the call has failed and has said so, and the next entry has its turn. After
# the last one the machine is restarted.
#
# A failure is told by a letter: E, the BIOS cannot read by block number
# (EDD); R, it cannot read this entry; S, the CRC-32 is wrong; W, nothing is
# left to try, a restart follows in 10 seconds.
#
# Not ours: bytes 3 to 0x59 (some BIOSes write there) and 0x1b8 to 0x1fd
# (disk signature and partition table).

.pushsection .rodata.replant_loader_stage1,"a",@progbits
.balign 16
.globl replant_loader_stage1
.hidden replant_loader_stage1
.type replant_loader_stage1, @object
.code16
replant_loader_stage1:
.set s1, replant_loader_stage1
    jmp s1_start
    nop
    .org s1 + 0x5a
s1_start:
    # The stack is below 0x7c00. The code moves to 0060:0000, so that the old
    # boot sector has its place free.
    cli
    xorw %ax, %ax
    movw %ax, %ss
    movw $0x7c00, %si
    movw %si, %sp
    movw %ax, %ds
    movw $0x60, %ax
    movw %ax, %es
    xorw %di, %di
    movw $256, %cx
    cld
    rep movsw
    movw %ax, %ds
    sti
    ljmpw $0x60, $(s1_moved - s1)
s1_moved:
    # A hard disk has 0x80 to 0x8f. What else a BIOS may pass is taken for
    # 0x80, as GRUB does; who is called gets both.
    movb %dl, s1_given - s1
    testb $0x80, %dl
    jz 1f
    testb $0x70, %dl
    jz 2f
1:  movb $0x80, %dl
2:  movb %dl, s1_drive - s1

    movb $0x41, %ah
    movw $0x55aa, %bx
    int $0x13
    jc 1f
    cmpw $0xaa55, %bx
    jne 1f
    testb $1, %cl
    jnz 2f
1:  movb $'E', %al
    call s1_tell
    jmp s1_over
2:
    movw $(s1_entries - s1), %si
s1_try:
    cmpw $0, 2(%si)
    je s1_next
    movb $0x42, %ah
    movb s1_drive - s1, %dl
    int $0x13
    movb $'R', %al
    jc s1_bad

    # CRC-32 (IEEE 802.3), bit by bit.
    movzwl 2(%si), %ecx
    shll $9, %ecx
    lesw 4(%si), %di
    orl $-1, %eax
s1_byte:
    xorb %es:(%di), %al
    movb $8, %bl
1:  shrl $1, %eax
    jnc 2f
    xorl $0xedb88320, %eax
2:  decb %bl
    jnz 1b
    incw %di
    .byte 0x67                     # by ecx
    loop s1_byte
    notl %eax
    cmpl %eax, 16(%si)
    movb $'S', %al
    jne s1_bad

    # Called with dl: the drive as the BIOS passed it, dh: the drive to read
    # from, ecx: by which way stage 1 was started, ds and si: whose.
    movw s1_given - s1, %dx
    movl s1_way - s1, %ecx
    pushw %ds
    pushw %si
    lcallw *4(%si)
    popw %si
    popw %ds
    jmp s1_next
s1_bad:
    call s1_tell
s1_next:
    addw $20, %si
    cmpw $(s1_end - s1), %si
    jb s1_try
s1_over:
    movb $'W', %al
    call s1_tell
    movw $182, %cx                 # ticks of the clock, 18.2 in a second
1:  hlt
    loop 1b
    movb $0xfe, %al                # by the keyboard controller,
    outb %al, $0x64
    ljmpw $0xffff, $0              # or where a processor starts

# Prints the letter in al, on the screen and on the first serial port.
s1_tell:
    pushw %si
    movb %al, s1_letter - s1
    movw $(s1_text - s1), %si
1:  lodsb
    testb %al, %al
    jz 3f
    movb $0x0e, %ah
    movw $7, %bx
    pushw %ax
    int $0x10
    popw %bx
    xorw %cx, %cx
    movw $0x3fd, %dx
2:  inb %dx, %al
    testb $0x20, %al
    loopz 2b                       # never ready: not for ever
    movb $0xf8, %dl
    movb %bl, %al
    outb %al, %dx
    jmp 1b
3:  popw %si
    ret

s1_text:
    .ascii "\r\nreplant: "
s1_letter:
    .ascii " \0"
s1_given:
    .byte 0
s1_drive:
    .byte 0

# Parameters: replant_loader_stage1 + 0x160.
    .org s1 + 0x160
    .ascii "RPL1"
s1_way:
    .ascii "disk"
s1_entries:
    # The packet of INT 13h AH=42h {u8 16, u8 0, u16 sectors, u16 offset,
    # u16 segment, u64 lba}, then u32 CRC-32 of what is read.
    .fill 4 * 20
s1_end:
    .org s1 + 0x1b8                # disk signature and partition table
    .org s1 + 0x1fe
    .byte 0x55, 0xaa
    .org s1 + 512
.size replant_loader_stage1, 512
.code64
.popsection
