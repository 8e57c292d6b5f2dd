// SPDX-License-Identifier: MIT OR Apache-2.0
//! Damaged metadata of volume groups.

use std::convert::Infallible;
use std::ops::Range;

use ondisk::DevNo;
use ondisk::lifeboat::Run;
use ondisk::lvm::{
    Label, LabelError, MdaHeader, PvRead, TargetKind, Uuid, VolumeGroup, assemble, below, create,
    decode, encode, parse, read_pv,
};

use super::lvm_fixture::{Device, GROUPS, NO_GROUP, devices, texts};
use testkit::Target;

/// Whatever was decoded can be judged, mapped and written; what is written is
/// read again, and what is mapped stays within its physical volumes.
fn exercise(vg: &VolumeGroup) {
    let again = decode(&encode(vg)).unwrap();
    assert!(again == *vg, "another group was read");
    let sane = vg.problems().is_empty();
    let device = |uuid: &Uuid| {
        let minor = vg.pvs.iter().position(|p| p.id == *uuid)?;
        Some(DevNo {
            major: 7,
            minor: minor as u32,
        })
    };
    for lv in &vg.lvs {
        let Ok(mapping) = vg.mapping(lv, device) else {
            continue;
        };
        assert!(sane && vg.refusal(lv).is_none() && !mapping.targets.is_empty());
        let mut at = 0;
        for target in &mapping.targets {
            assert_eq!(target.start, at);
            at += target.length;
            let read = TargetKind::parse(target.type_name(), &target.params());
            assert_eq!(read.as_ref(), Ok(&target.kind));
            let within = |(dev, start): (DevNo, u64), length: u64| {
                let pv = &vg.pvs[dev.minor as usize];
                let end = pv.pe_start + pv.pe_count * vg.extent_size;
                assert!(start >= pv.pe_start && start + length <= end);
            };
            match &target.kind {
                TargetKind::Linear(dev, start) => within((*dev, *start), target.length),
                TargetKind::Striped { legs, .. } => {
                    let length = target.length / legs.len() as u64;
                    legs.iter().for_each(|leg| within(*leg, length));
                }
                TargetKind::Zero | TargetKind::Error => {}
            }
        }
        // Its last sectors, and one that it does not have.
        let sectors = at.min(10_000);
        let lba = at - sectors;
        if let Ok(pieces) = below(&mapping.targets, Run { lba, sectors }) {
            assert_eq!(pieces.iter().map(|p| p.1.sectors).sum::<u64>(), sectors);
        }
        assert!(
            below(
                &mapping.targets,
                Run {
                    lba: at,
                    sectors: 1
                }
            )
            .is_err()
        );
    }
    // An error or steps that are whole sectors.
    let sizes: Vec<u64> = vg.pvs.iter().map(|pv| pv.dev_size.unwrap_or(0)).collect();
    if let Ok(steps) = create(
        vg,
        &sizes
            .iter()
            .map(|n| n.saturating_mul(512))
            .collect::<Vec<_>>(),
    ) {
        for step in steps {
            if let ondisk::lvm::Step::Write { pv, offset, bytes } = step {
                let end = offset + bytes.len() as u64;
                assert!(offset % 512 == 0 && bytes.len() % 512 == 0);
                assert!(end <= vg.pvs[pv].pe_start * 512);
            }
        }
    }
}

#[test]
fn group_texts() {
    let target = Target {
        name: "LVM text",
        samples: GROUPS
            .iter()
            .flat_map(|case| texts(case))
            .map(String::into_bytes)
            .collect(),
        words: b"{~}~[~]~\"~\\~#~=~,~\0~-1~0~0x~0x-1~9223372036854775807~99999999999999999999~1.5~\
            striped~pv0~'~/~segment1 {~\xff\xfe~stripe_count = 3\n~a/b/c = 1\n~\
            creation_time = 5\n~tags = [\"x\", 1]\n~!~\"\" {~\"a b\" {~EXPORTED~MISSING~\
            flags = 1.5\n",
        hot: vec![],
        rounds: 12_000,
    };
    let tally = target.read(|bytes, _| {
        let _ = parse(bytes);
        match decode(bytes) {
            Ok(vg) => {
                exercise(&vg);
                true
            }
            Err(error) => {
                assert!(error.to_string().len() < bytes.len() + 1000);
                false
            }
        }
    });
    tally.at_least(500, 1000);
}

const LABEL: Range<usize> = 512..1024;
const HEADER: Range<usize> = 4096..4608;

fn field<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().unwrap()
}

/// Makes the checksums of text, header and label right.
fn mend(head: &mut [u8]) {
    if head.len() < HEADER.end {
        return;
    }
    let place = |at| usize::try_from(u64::from_le_bytes(field(head, HEADER.start + at)));
    let (Ok(offset), Ok(size)) = (place(40), place(48)) else {
        return;
    };
    let start = HEADER.start.saturating_add(offset);
    if let Some(text) = head.get(start..start.saturating_add(size)) {
        let sum = ondisk::checksum::lvm2(text).to_le_bytes();
        head[HEADER.start + 56..HEADER.start + 60].copy_from_slice(&sum);
    }
    for (sector, at, from) in [(HEADER, 0, 4), (LABEL, 16, 20)] {
        let sector = &mut head[sector];
        let sum = ondisk::checksum::lvm2(&sector[from..]).to_le_bytes();
        sector[at..at + 4].copy_from_slice(&sum);
    }
}

/// Reads `head` as the start of a device that is all zeros otherwise.
fn read_from(head: &[u8], size: u64) -> Result<Option<PvRead>, LabelError> {
    let device = Device {
        head: head.to_vec(),
        tail: Vec::new(),
        size,
    };
    let read = |offset: u64, length: usize| {
        assert!(length <= 64 << 20);
        // What lies behind the head is not worth making.
        let length = length.min(1 << 20);
        Ok::<_, Infallible>(match offset.checked_add(length as u64) {
            Some(_) => device.read(offset, length),
            None => Vec::new(),
        })
    };
    read_pv(read).unwrap()
}

#[test]
fn physical_volumes() {
    let cases = GROUPS.iter().chain(NO_GROUP);
    let samples: Vec<Vec<u8>> = cases
        .flat_map(|case| devices(case))
        .map(|mut device| {
            device.head.truncate(32 << 10);
            device.head
        })
        .collect();
    let others: Vec<PvRead> = ["span2", "multiseg"]
        .iter()
        .flat_map(|case| devices(case))
        .map(|device| device.pv())
        .collect();
    let target = Target {
        name: "LVM physical volume",
        samples,
        words: b"LABELONE~LVM2 001~ LVM2 x[5A%r0N*>~pv0~}~\0",
        hot: vec![512..800, 4096..4176, 4608..6000, 4608..12_000],
        rounds: 6000,
    };
    let tally = target.run(mend, |head, random| {
        let _ = Label::find(&head[..head.len().min(random.below(2100))]);
        let cut = head.len().min(HEADER.start + random.below(600));
        let _ = MdaHeader::decode(head.get(HEADER.start..cut).unwrap_or(&[]), 4096);
        let Ok(Some(pv)) = read_from(head, 1 << 30) else {
            return false;
        };
        if let Ok(bytes) = pv.label.encode() {
            let mut again = vec![0; 512 * pv.label.sector as usize];
            again.extend(bytes);
            assert_eq!(Label::find(&again), Ok(Some(pv.label.clone())));
        }
        for area in &pv.areas {
            if let Some(header) = area.header {
                assert_eq!(
                    MdaHeader::decode(&header.encode(), header.start),
                    Ok(header)
                );
            }
        }
        pv.groups().for_each(exercise);
        let all = others
            .iter()
            .chain([&pv, &pv].into_iter().take(1 + random.below(2)));
        let all = all.enumerate().map(|(n, pv)| (n, 1 << 30, pv.clone()));
        let all: Vec<(usize, u64, PvRead)> = all.collect();
        let assembly = assemble(&all);
        assert!(assembly.groups.len() <= all.len() && assembly.orphans.len() <= all.len());
        pv.groups().count() > 0
    });
    tally.at_least(500, 1000);
}

#[test]
fn tables() {
    let target = Target {
        name: "device-mapper table",
        samples: vec![
            b"linear 8:2 2048".to_vec(),
            b"striped 2 128 8:2 2048 8:3 4096".to_vec(),
            b"zero ".to_vec(),
        ],
        words: b" ~:~0~18446744073709551616~striped~linear~\xff",
        hot: vec![],
        rounds: 5000,
    };
    let read = |bytes: &[u8], _: &mut _| {
        let text = String::from_utf8_lossy(bytes);
        let (kind, params) = text.split_once(' ').unwrap_or((&text, ""));
        let Ok(kind) = TargetKind::parse(kind, params) else {
            return false;
        };
        let line = ondisk::lvm::Target {
            start: 8,
            length: u64::MAX,
            kind,
        };
        let again = TargetKind::parse(line.type_name(), &line.params());
        assert_eq!(again.as_ref(), Ok(&line.kind));
        // An error or all of it.
        let run = Run {
            lba: 9,
            sectors: 999,
        };
        if let Ok(pieces) = below(&[line], run) {
            assert_eq!(pieces.iter().map(|p| p.1.sectors).sum::<u64>(), 999);
        }
        true
    };
    target.read(read).at_least(100, 100);
}
