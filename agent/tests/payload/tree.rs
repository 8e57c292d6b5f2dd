// SPDX-License-Identifier: MIT OR Apache-2.0
//! A tree with one of everything that a system's files can have.
use super::scratch::{compressible, sh};
use std::fs;
use std::path::Path;
use testkit::Random;

/// Makes the tree below `root`, which is on ext4.
pub fn make(root: &Path) {
    let mut random = Random(7);
    let sizes = root.join("sizes");
    fs::create_dir(&sizes).unwrap();
    for size in [
        0,
        1,
        511,
        512,
        513,
        4096,
        10_240,
        1 << 20,
        (1 << 20) + 3,
        (3 << 20) - 1,
    ] {
        fs::write(
            sizes.join(size.to_string()),
            compressible(&mut random, size),
        )
        .unwrap();
    }
    sh(NAMES, &[root]);
    sh(ATTRIBUTES, &[root]);
    sh(LINKS, &[root]);
    sh(SPARSE, &[root]);
    // Last, for making files changes the time of directories.
    sh(TIMES, &[root]);
}

const NAMES: &str = r#"
cd "$1"; rmdir lost+found; mkdir names; cd names
touch -- 'with space' ' leading' $'new\nline' $'tab\t' 'back\slash' '-dash' 'a=b' 'percent%25'
touch 'grüße-日本語' $'latin1-\xfc' $'\xff\xfe' '100%' '#' '...' 
touch "$(printf 'n%.0s' $(seq 100))" "$(printf 'm%.0s' $(seq 101))" "$(printf 'x%.0s' $(seq 255))"
# 155 bytes of prefix and 100 of name are the most that ustar splits.
deep=$(printf 'd%.0s' $(seq 120))
mkdir -p $deep/$deep/$deep; echo deep >$deep/$deep/$deep/file
echo 99 >$deep/$(printf 'f%.0s' $(seq 99))
mkdir empty; mkdir -p empty/in/empty
"#;

const ATTRIBUTES: &str = r#"
cd "$1"; mkdir modes attributes owners
for bit in 0 1 2 4 10 20 40 100 200 400 1000 2000 4000 7777 4755 2755 6711; do
    echo $bit >modes/file-$bit; mkdir modes/dir-$bit; echo in >modes/dir-$bit/file
    chown 1234:4321 modes/*-$bit; chmod 0$bit modes/*-$bit
done
# A set-group-ID directory hands its group on; the archive says otherwise.
mkdir modes/setgid; chgrp 100 modes/setgid; chmod 2775 modes/setgid; echo x >modes/setgid/other
chgrp 0 modes/setgid/other
for id in 1 2097151 2097152 4294967294; do echo $id >owners/$id; chown $id:$id owners/$id; done
cd attributes
echo acl >acl; setfacl -m u:10:rwx,u:1000:r,g:10:x,m::rwx acl
mkdir default; setfacl -d -m u:10:rwx,g:99:r default; echo no >default/none; mkdir default/below
setfacl -b -k default/none default/below
mkdir inherits; setfacl -d -m u:10:rx inherits; echo yes >inherits/file
echo user >user; setfattr -n user.short -v x user; setfattr -n user.empty user
setfattr -n user.a=b%3Dc%25 -v 'odd name' user
setfattr -n user.binary -v 0x000a0d0a3130ff00203d user
setfattr -n user.big -v "$(printf 'v%.0s' $(seq 3000))" user
setfattr -n trusted.overlay.opaque -v y default
setfattr -n user.dir -v "$(printf 'line\nline\n ')" default
echo trusted >trusted; setfattr -n trusted.x -v 0x00 trusted
cp /bin/true capable; setcap cap_net_raw,cap_net_admin=ep capable; chmod 0755 capable
echo label >label; setfattr -n security.selinux -v 'system_u:object_r:etc_t:s0\000' label
setfattr -n security.selinux -v 'system_u:object_r:root_t:s0\000' ..
ln -s label link; setfattr -h -n security.selinux -v 'system_u:object_r:lnk_t:s0\000' link
setfattr -h -n trusted.link -v 0x0a00 link
mkfifo fifo; setfattr -h -n trusted.fifo -v 1 fifo
mknod null c 1 3; setfattr -h -n security.selinux -v 'system_u:object_r:null_t:s0\000' null
"#;

const LINKS: &str = r#"
cd "$1"; mkdir links; cd links; mkdir sub
echo one >one; ln one two; ln one sub/three
ln -s one soft; ln soft soft-too; ln -s /etc/passwd absolute; ln -s ../.. up; ln -s nowhere dangling
ln -s "$(printf 't/%.0s' $(seq 200))" long; ln -s "$(printf 'T%.0s' $(seq 100))" hundred
ln -s $'bytes\xff\n' bytes; chown -h 77:88 soft
long=$(printf 'l%.0s' $(seq 150)); echo long >$long; ln $long sub/$long-too
mkdir ../devices; cd ../devices
mknod null c 1 3; mknod loop b 7 0; mknod wide b 259 1048575; mknod high c 4095 255
mkfifo -m 0622 fifo; chmod 4755 null; chown 5:6 loop wide; ln fifo fifo-too; ln null null-too
"#;

const SPARSE: &str = r#"
cd "$1"; mkdir sparse; cd sparse
truncate -s 5M hole; truncate -s 1 tiny
dd if=/dev/urandom of=begin bs=4096 count=1 status=none; truncate -s 3M begin
dd if=/dev/urandom of=end bs=4096 count=1 seek=700 status=none
dd if=/dev/urandom of=odd bs=1 count=100 seek=1000003 status=none; truncate -s 1500001 odd
for i in $(seq 0 70); do dd if=/dev/urandom of=many bs=4096 count=1 seek=$((i * 4)) conv=notrunc status=none; done
truncate -s 2M many
truncate -s 9G huge; printf last | dd of=huge bs=1 seek=9663676410 conv=notrunc status=none
dd if=/dev/zero of=zeros bs=4096 count=10 status=none
setfattr -n user.sparse -v yes many; chmod 0640 many; chown 8:9 many
chmod 0444 end; sync -f .
"#;

const TIMES: &str = r#"
cd "$1"; mkdir times; cd times
touch -d '1950-01-02 03:04:05.123456789 UTC' 1950; touch -d '1969-12-31 23:59:59.5 UTC' before
touch -d '@0' epoch; touch -d '@0.000000001' one-ns; touch -d '@-1' minus-one
touch -d '2026-05-06 07:08:09.987654321 UTC' ns; touch -d '2100-01-01 UTC' 2100
touch -d '1903-03-03 UTC' 1903; touch -d '2400-01-01 UTC' 2400
ln -s x link; touch -h -d '1999-09-09 09:09:09.000000009 UTC' link
touch -d '2001-02-03 04:05:06.7 UTC' ../devices/null ../devices/fifo
mkdir -p dir/below; echo x >dir/below/file
touch -d '2002-02-02 02:02:02.2 UTC' dir/below; touch -d '1960-06-06 UTC' dir
mkdir read-only; echo kept >read-only/file; chmod 0555 read-only; mkdir closed; echo x >closed/file; chmod 0 closed
touch -d '2003-03-03 UTC' read-only closed
touch -d '2004-04-04 04:04:04.444444444 UTC' "$1"
"#;
