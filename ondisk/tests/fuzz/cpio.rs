// SPDX-License-Identifier: MIT OR Apache-2.0
//! Damaged archives of an initramfs.

use ondisk::cpio::{Builder, DIRECTORY, Marker, Reader, SYMLINK, TYPE_MASK, Tree};

use testkit::Target;

/// Made by GNU cpio 2.13: `find . | cpio -o -H newc`.
const GNU: &[u8] = include_bytes!("../fixtures/cpio/gnu.cpio");
/// The same with checksums: `cpio -o -H crc`.
const CRC: &[u8] = include_bytes!("../fixtures/cpio/crc.cpio");

#[test]
fn archives() {
    let target = Target {
        name: "cpio",
        samples: vec![GNU.to_vec(), CRC.to_vec(), [GNU, &[0; 512], CRC].concat()],
        words: b"070701~070702~00000000~FFFFFFFF~7FFFFFFF~80000000~TRAILER!!!\0~../../~/~\0",
        hot: vec![],
        rounds: 15_000,
    };
    let tally = target.read(|bytes, _| {
        let entries = Reader::new(bytes);
        let mut at = 0;
        for entry in entries.map_while(Result::ok) {
            assert!(entry.offset >= at && entry.data.len() <= bytes.len());
            at = entry.offset + 110;
        }
        let mut tree = Tree::new();
        let result = tree.add(bytes);
        for (path, _) in tree.iter() {
            tree.resolve(path);
            tree.resolve(&format!("{path}/../{path}/."));
        }
        assert_eq!(tree.last_path().is_none(), tree.is_empty());
        if let Ok(end) = result {
            assert!(end <= bytes.len());
            built(&tree);
        }
        result.is_ok()
    });
    tally.at_least(500, 1000);
}

/// What the writer makes of a tree is that tree again.
fn built(tree: &Tree<'_>) {
    let mut builder = Builder::new();
    let mut taken = Vec::new();
    for (path, node) in tree.iter() {
        let added = match node.mode & TYPE_MASK {
            DIRECTORY => builder.directory(path, node.mode),
            SYMLINK => match std::str::from_utf8(node.data) {
                Ok(target) => builder.symlink(path, target),
                Err(_) => continue,
            },
            _ => builder.file(path, node.mode, node.data.to_vec()),
        };
        if added.is_ok() {
            taken.push((path, node.data));
        }
    }
    let bytes = builder.build();
    let mut again = Tree::new();
    assert_eq!(again.add(&bytes), Ok(bytes.len()));
    for (path, data) in taken {
        let node = again.get(path).expect(path);
        assert!(node.data == data || node.mode & TYPE_MASK == DIRECTORY);
    }
}

#[test]
fn markers() {
    let marker = Marker {
        kernel: "5.14.0-427.el9.x86_64".to_owned(),
        modules: 113,
    };
    let target = Target {
        name: "marker",
        samples: vec![marker.to_string().into_bytes()],
        words: b"kernel=~modules=~\n~complete\n~\r",
        hot: vec![],
        rounds: 3000,
    };
    let tally = target.read(|bytes, _| {
        let marker = Marker::parse(&String::from_utf8_lossy(bytes));
        if let Some(marker) = &marker {
            assert_eq!(Marker::parse(&marker.to_string()).as_ref(), Some(marker));
        }
        marker.is_some()
    });
    tally.at_least(100, 100);
}
