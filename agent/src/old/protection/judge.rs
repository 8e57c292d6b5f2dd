// SPDX-License-Identifier: MIT OR Apache-2.0
//! Decides which level of protection a machine can have.

use super::ahead::at_the_end;
use super::files::{DIR, wishes};
use super::{BOOT_SECTOR, Obstacle};
use crate::disk::Disk;
use crate::old::bootentry::{Entry, Loader, Normal, View};
use crate::old::pinned::{self, Wish, foreseen};
use crate::old::places::{BOOT_DIR, fresh, staged_dir};
use crate::old::survey::Survey;
use crate::old::{Error, Package};
use crate::plan::{Plan, Refusal};
use ondisk::lifeboat::blob::{CommandLine, File, Parts};
use ondisk::lifeboat::{Address, Blob, Id, Protected, Run, SECTOR, Twin};
use ondisk::manifest::{INITRAMFS, KERNEL, PAYLOAD};
use std::io::Read;
use std::path::Path;
use sys::cannot;

/// Bytes at the start of a kernel that contain its whole setup.
const HEAD: u64 = 64 << 10;
/// Bytes that a console password adds to the initramfs.
const MORE: u64 = 4096;

/// The input of the decision.
pub struct Question<'a> {
    pub package: &'a Package,
    pub survey: &'a Survey,
    pub plan: &'a Plan,
    pub loader: &'a Loader,
    pub view: &'a View,
    pub normal: &'a Normal,
    /// The entry of a machine without protection.
    pub entry: &'a Entry,
    /// The kernel's command line in the armed boot, without the words that our
    /// loader adds.
    pub words: &'a str,
    /// Bytes that staging copies to the root in addition.
    pub copied: u64,
    /// The plan that leaves out what is protected.
    pub replan: &'a dyn Fn(Protected) -> Result<Plan, Refusal>,
}

/// Lists everything that keeps this machine from `resume`. Used by `check` and by
/// `stage`; changes nothing.
///
/// # Errors
/// What would keep it from every level: its files cannot be read.
pub fn judge(question: &Question) -> Result<Vec<Obstacle>, Error> {
    let Question {
        package,
        survey,
        plan,
        ..
    } = question;
    let mut found = Vec::new();
    if !package.manifest.boot.commands.is_empty() {
        found.push(Obstacle::Commands);
    }
    found.extend(survey.firmware.clone().map(Obstacle::Firmware));
    if u64::from(survey.facts.block_size) != SECTOR {
        found.push(Obstacle::Blocks {
            disk: survey.facts.disk.clone(),
            bytes: survey.facts.block_size,
        });
        return Ok(found);
    }
    found.extend(chained(question));
    let disk = Disk::open(&plan.disk)?;
    found.extend(loads(question, &disk)?);
    found.extend(places(question, &disk));
    Ok(found)
}

/// The entry that starts replant's loader.
pub fn chain(survey: &Survey, entry: &Entry) -> Entry {
    Entry {
        chain: Some(survey.grub_path(&format!("{BOOT_DIR}/{BOOT_SECTOR}"))),
        ..entry.clone()
    }
}

/// Checks that GRUB can start the loader.
fn chained(question: &Question) -> Option<Obstacle> {
    let module = question.loader.chain_module();
    if !module.is_file() {
        return Some(Obstacle::NoChain(module));
    }
    let entry = chain(question.survey, question.entry);
    let forecast = question
        .view
        .forecast(question.loader, &entry, question.normal);
    forecast.err().map(|e| Obstacle::Grub(e.to_string()))
}

/// Checks that the loader can start the tiny system, wherever that will lie.
fn loads(question: &Question, disk: &Disk) -> Result<Option<Obstacle>, Error> {
    let package = question.package;
    let kernel = package.dir.join(KERNEL);
    let mut head = Vec::new();
    let open = std::fs::File::open(&kernel).map_err(cannot("open", &kernel))?;
    let read = open.take(HEAD).read_to_end(&mut head);
    read.map_err(cannot("read", &kernel))?;
    // The longest address, for the length of the command line counts.
    let last = disk.bytes() / SECTOR / 8 * 8;
    let address = Address {
        id: Id([0; 16]),
        record: [last; 2],
        state: [last; 2],
    };
    let runs = [Run {
        lba: 0,
        sectors: disk.bytes() / SECTOR,
    }];
    let file = |bytes| File {
        runs: &runs,
        bytes,
        crc32: 0,
    };
    let made = line(question.words, &address).and_then(|line| {
        let blob = Blob::new(&Parts {
            id: address.id,
            twin: Twin::A,
            kernel_head: &head,
            kernel: file(package.expected_size(KERNEL)),
            initramfs: file(package.expected_size(INITRAMFS).saturating_add(MORE)),
            line,
            old_sector: [0; 512],
        });
        blob?.encode(&loader::STAGE2)
    });
    Ok(made.err().map(|e| Obstacle::Loader(e.to_string())))
}

/// The kernel's command line, which the loader completes. EDD is switched off,
/// because some BIOSes hang when they are asked about each disk once more.
pub fn line(words: &str, address: &Address) -> Result<CommandLine, ondisk::lifeboat::BlobError> {
    use contract::cmdline::{DRIVE, LIFEBOAT, START};
    let words = format!("{words} edd=off {LIFEBOAT}{address}");
    CommandLine::new(&words, DRIVE, START)
}

/// Checks that there is enough permitted space whose place on the disk can be
/// known.
fn places(question: &Question, disk: &Disk) -> Vec<Obstacle> {
    let package = question.package;
    let physical = disk.physical_block();
    let allowed = match question.plan.allowed(&package.manifest, physical) {
        Ok(allowed) if allowed.is_empty() => return vec![Obstacle::NoVolumes],
        Ok(allowed) => allowed,
        Err(error) => return vec![Obstacle::Unknown(error.to_string())],
    };
    let initramfs = package.expected_size(INITRAMFS).saturating_add(MORE);
    let payload = package.expected_size(PAYLOAD);
    let unit = unit(physical);
    let wishes = wishes(package.expected_size(KERNEL), initramfs, payload, unit);
    let mut found = Vec::new();
    let bytes = wishes.iter().map(|wish| wish.bytes.next_multiple_of(unit));
    let bytes = bytes.fold(0, u64::saturating_add);
    found.extend(room(
        question,
        &at_the_end(&allowed, bytes),
        bytes,
        physical,
    ));
    let others = Wish::runs(question.copied);
    let wishes = [&wishes[..], &[others]].concat();
    let dir = fresh(&staged_dir()).join(DIR);
    found.extend(match foreseen(&dir, &question.plan.disk, &wishes) {
        Ok(_) => None,
        Err(pinned::Error::Obstacle(obstacle)) => Some(Obstacle::Pinned(obstacle)),
        Err(error) => Some(Obstacle::Unknown(error.to_string())),
    });
    found
}

/// Checks that the new system fits without these runs, of which as many are left
/// out as make `bytes`.
fn room(question: &Question, runs: &[Run], bytes: u64, physical: u32) -> Option<Obstacle> {
    let disk_bytes = question.survey.facts.disk_bytes;
    let sectors = runs.iter().map(|run| run.sectors);
    let sectors = sectors.fold(0, u64::saturating_add);
    let why = if sectors < bytes.div_ceil(SECTOR) {
        Some("its volume groups are smaller".to_string())
    } else {
        match Protected::new(runs.iter().copied(), physical, disk_bytes) {
            Ok(protected) => (question.replan)(protected).err().map(|e| e.to_string()),
            Err(error) => Some(error.to_string()),
        }
    };
    why.map(|why| Obstacle::Room { bytes, why })
}

/// The disk's unit of writing in bytes, as the record uses it.
pub fn unit(physical_block: u32) -> u64 {
    u64::from(physical_block).max(ondisk::lifeboat::state::BYTES as u64)
}

/// The first sector of a disk.
pub fn first_sector(disk: &Disk) -> Result<[u8; 512], crate::disk::Error> {
    let read = disk.read_fresh(0, 512)?;
    let mut sector = [0; 512];
    for (to, from) in sector.iter_mut().zip(read) {
        *to = from;
    }
    Ok(sector)
}

/// Reads a file of the staging whole.
pub fn read(path: &Path) -> Result<Vec<u8>, sys::FileError> {
    std::fs::read(path).map_err(cannot("read", path))
}
