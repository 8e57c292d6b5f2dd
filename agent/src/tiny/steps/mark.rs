// SPDX-License-Identifier: MIT OR Apache-2.0
//! The mark of a migration that has begun, and the disk that it rewrites.
//!
//! A disk's name proves nothing: two equal disks may come back in another order
//! after they were detached. At each opening for writing, the hardware (size,
//! block size, serial number, world wide name) is compared, and a sign on the
//! disk itself: a number in sector 0, which `wipe` writes first and which stays
//! until GRUB's boot sector replaces it, or the GUID of the new table, which
//! exists by then. Where the migration survives a power cut, sector 0 belongs to
//! the loader, and the sign is this staging's state at its place.

use super::Error;
use crate::disk::{self, Disk, DiskId, sector_0};
use crate::paths;
use crate::plan::Plan;
use crate::tiny::lifeboat::{self, Lifeboat};
use ondisk::hex::{self, Hex};
use ondisk::lifeboat::Address;
use ondisk::{document, mark};
use serde::{Deserialize, Serialize};
use std::path::Path;
use sys::{FileError, cannot};

/// The contents of the file, besides the disk's name in its first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The disk's name when the migration began or was last resumed.
    #[serde(skip)]
    pub name: String,
    /// The number in sector 0.
    number: Digits,
    /// Where the state lies instead, in the form of the command line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lifeboat: Option<AddressText>,
    /// The new table, in the form of [`DiskId::table`].
    new_table: String,
    /// The disk as it was when the migration began.
    disk: DiskId,
}

/// 16 bytes as 32 digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Digits([u8; 16]);

impl From<Digits> for String {
    fn from(Digits(bytes): Digits) -> String {
        Hex(&bytes).to_string()
    }
}

impl TryFrom<String> for Digits {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Digits, Self::Error> {
        let number = hex::decode(text.as_bytes()).map(Digits);
        number.ok_or("a mark's number has 32 hexadecimal digits")
    }
}

/// Tells /init and the console whether the machine may be started again.
///
/// # Errors
/// [`FileError`].
pub fn must_stay(must: bool) -> Result<(), FileError> {
    let path = paths::MUST_STAY;
    match must {
        true => std::fs::write(path, "").map_err(cannot("write", path)),
        false => sys::remove_file(path),
    }
}

/// An address as its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct AddressText(Address);

impl From<AddressText> for String {
    fn from(AddressText(address): AddressText) -> String {
        address.to_string()
    }
}

impl TryFrom<String> for AddressText {
    type Error = ondisk::lifeboat::BadAddress;

    fn try_from(text: String) -> Result<AddressText, Self::Error> {
        text.parse().map(AddressText)
    }
}

/// The signs by which a disk is recognised, from the weakest to the strongest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sign {
    /// The old system's table: nothing was written yet.
    OldTable,
    /// The new system's table.
    NewTable,
    /// The number in sector 0, or the state at its place.
    Mark,
}

impl Mark {
    /// The mark of a migration that begins now, with a random number.
    pub fn new(name: &str, disk: &Disk, plan: &Plan, number: [u8; 16]) -> Result<Mark, Error> {
        Ok(Mark {
            name: name.to_owned(),
            number: Digits(number),
            lifeboat: None,
            new_table: disk::gpt_id(plan.table.disk_guid),
            disk: DiskId::of(disk)?,
        })
    }

    /// As [`Mark::new`], with the state of this lifeboat as the sign.
    pub fn of(name: &str, disk: &Disk, plan: &Plan, lifeboat: &Lifeboat) -> Result<Mark, Error> {
        let address = *lifeboat.address();
        Ok(Mark {
            lifeboat: Some(AddressText(address)),
            ..Mark::new(name, disk, plan, address.id.0)?
        })
    }

    /// Reads the file; `None` when no migration has begun.
    pub fn load(path: &Path) -> Result<Option<Mark>, Error> {
        let failed = |e| Error::from(FileError::new("read", path, e));
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(failed(e)),
        };
        let (name, rest) = text.split_once('\n').unwrap_or((&text, ""));
        let unreadable = |e: document::Error| {
            failed(std::io::Error::new(std::io::ErrorKind::InvalidData, e.what))
        };
        let mark: Mark = document::read(rest).map_err(unreadable)?;
        Ok(Some(Mark {
            name: name.to_owned(),
            ..mark
        }))
    }

    /// Writes the file atomically.
    pub fn store(&self, path: &Path) -> Result<(), Error> {
        let text = document::write(self).map_err(std::io::Error::other);
        let text = text.map_err(cannot("write", path))?;
        replace(path, &format!("{}\n{text}", self.name))
    }

    /// The disk as it was when the migration began.
    pub fn id(&self) -> &DiskId {
        &self.disk
    }

    /// Boot code for sector 0 that contains the number.
    pub fn boot_code(&self) -> [u8; mark::BYTES] {
        mark::encode(&self.number.0)
    }

    /// Writes the number to a disk that was recognised, and returns when it is on
    /// the medium.
    pub fn write_on(&self, disk: &Disk) -> Result<(), disk::Error> {
        const WHAT: &str = "the mark of this migration";
        sector_0::write(disk, WHAT, 0, &self.boot_code())
    }

    /// The sign by which a disk is recognised, or why it is not the one.
    pub fn recognize(&self, disk: &Disk) -> Result<Result<Sign, String>, disk::Error> {
        let id = DiskId::of(disk)?;
        if let Some(why) = id.hardware_differs(&self.disk) {
            return Ok(Err(why));
        }
        let is_marked = match &self.lifeboat {
            Some(AddressText(address)) => lifeboat::is_on(disk, address)?,
            None => mark::decode(&disk.read_fresh(0, mark::BYTES)?) == Some(self.number.0),
        };
        if is_marked {
            return Ok(Ok(Sign::Mark));
        }
        if id.table == self.new_table || DiskId::backup_table(disk)? == self.new_table {
            return Ok(Ok(Sign::NewTable));
        }
        // With a lifeboat there is a stronger sign from the first write on.
        if id.table == self.disk.table && self.lifeboat.is_none() {
            return Ok(Ok(Sign::OldTable));
        }
        Ok(Err("has neither this migration's mark nor its table".into()))
    }

    /// The disk, if it is recognised by this sign or a stronger one.
    pub fn only(&self, disk: Disk, least: Sign) -> Result<Disk, Error> {
        let why = match self.recognize(&disk)? {
            Ok(sign) if sign >= least => return Ok(disk),
            Ok(_) => "has neither this migration's mark nor its table".into(),
            Err(why) => why,
        };
        Err(Error::OtherDisk {
            disk: disk.path().into(),
            why,
        })
    }
}

/// Creates the file before its contents are known, because an earlier start of
/// the machine may have written to the disk.
pub(super) fn announce() -> Result<(), Error> {
    replace(path(), "\n")
}

/// Where the file is.
pub fn path() -> &'static Path {
    Path::new(paths::POINT_OF_NO_RETURN)
}

/// Writes a file atomically.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), Error> {
    let part = path.with_extension("part");
    let written = std::fs::write(&part, text).and_then(|()| std::fs::rename(&part, path));
    Ok(written.map_err(cannot("write", path))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{table, wipe};
    use std::fs::File;
    use std::os::unix::fs::FileExt;
    use std::path::PathBuf;
    use testkit::{Loop, tool};

    /// Two disks of the size of the sample plan, both with the same DOS table.
    fn twins(dir: &Path) -> [PathBuf; 2] {
        let disks = ["a", "b"].map(|name| dir.join(name));
        for disk in &disks {
            let file = File::create(disk).unwrap();
            file.set_len(8 << 30).unwrap();
            let mut sector = [0; 512];
            sector[440..444].copy_from_slice(&0x5eed_0001_u32.to_le_bytes());
            sector[450] = 0x83;
            sector[454] = 8;
            sector[458] = 8;
            sector[510..].copy_from_slice(&[0x55, 0xaa]);
            file.write_all_at(&sector, 0).unwrap();
        }
        disks
    }

    fn sign(mark: &Mark, disk: &Path) -> Option<Sign> {
        mark.recognize(&Disk::open(disk).unwrap()).unwrap().ok()
    }

    #[test]
    fn a_disk_is_known_from_the_first_write_to_the_last() {
        let dir = tempfile::tempdir().unwrap();
        let [own, other] = twins(dir.path());
        let (_, plan) = crate::plan::sample();
        let disk = Disk::open_writable(&own).unwrap();
        let mark = Mark::new("sda", &disk, &plan, [7; 16]).unwrap();
        // A copy of the old disk: only what is written tells them apart.
        let both = |mark: &Mark| [sign(mark, &own), sign(mark, &other)];
        assert_eq!(both(&mark), [Some(Sign::OldTable); 2]);
        mark.write_on(&disk).unwrap();
        assert_eq!(both(&mark), [Some(Sign::Mark), Some(Sign::OldTable)]);
        let present = table::read(&disk).unwrap();
        let ranges = wipe::ranges(&disk, &present, &plan.table).unwrap();
        wipe::clear(&disk, &ranges).unwrap();
        assert_eq!(sign(&mark, &own), Some(Sign::Mark));
        assert_eq!(table::read(&disk).unwrap(), table::Present::None);
        table::write(&disk, &plan.table, Some(&mark.boot_code())).unwrap();
        assert_eq!(sign(&mark, &own), Some(Sign::Mark));
        // Another migration's mark is none.
        let later = Mark::new("sda", &disk, &plan, [8; 16]).unwrap();
        assert_eq!(sign(&later, &own), Some(Sign::NewTable));
        // GRUB's boot sector takes the mark's place; then a copy is lost.
        sector_0::write(&disk, "boot.img", 0, &[0x90; 440]).unwrap();
        assert_eq!(sign(&mark, &own), Some(Sign::NewTable));
        disk.write_at("rubbish", 512, &[1; 512]).unwrap();
        assert_eq!(sign(&mark, &own), Some(Sign::NewTable));

        let open = || Disk::open_exclusive(&other).unwrap();
        mark.only(open(), Sign::OldTable).unwrap();
        let error = mark.only(open(), Sign::NewTable).unwrap_err().to_string();
        assert!(error.contains("neither this migration's mark"), "{error}");
        // Wiped by somebody, or of another size: not even before the first write.
        sector_0::write(&open(), "zeros", 0, &[0; 512]).unwrap();
        assert_eq!(sign(&mark, &other), None);
        File::create(&other).unwrap().set_len(9 << 30).unwrap();
        let why = mark.only(open(), Sign::OldTable).unwrap_err().to_string();
        assert!(why.contains("it has 9663676416 bytes"), "{why}");
    }

    #[test]
    fn where_it_may_be_cut_off_the_state_is_the_sign() {
        let dir = tempfile::tempdir().unwrap();
        let mut boat = lifeboat::tests::armed(dir.path());
        let plan = crate::plan::sample_with(boat.record().protected.clone()).1;
        let disk = Disk::open_writable(boat.path()).unwrap();
        let mark = Mark::of("sda", &disk, &plan, &boat).unwrap();
        let path = dir.path().join("point-of-no-return");
        mark.store(&path).unwrap();
        assert_eq!(Mark::load(&path).unwrap().as_ref(), Some(&mark));
        let own = boat.path().to_owned();
        assert_eq!(sign(&mark, &own), Some(Sign::Mark));
        // Whatever is in sector 0; and a disk with the same table is none.
        let sector = disk.read_fresh(0, 512).unwrap();
        let other = testkit::sparse(dir.path().join("other"), disk.bytes());
        let twin = Disk::open_writable(&other).unwrap();
        sector_0::write(&twin, "the same", 0, &sector).unwrap();
        assert_eq!(sign(&mark, &other), None);
        sector_0::write(&disk, "zeros", 0, &[0; 512]).unwrap();
        assert_eq!(sign(&mark, &own), Some(Sign::Mark));
        // When the state is cleared, the new table is there.
        table::write(&disk, &plan.table, None).unwrap();
        boat.clear().unwrap();
        assert_eq!(sign(&mark, &own), Some(Sign::NewTable));
        wipe::clear(&disk, &[0..1 << 20, disk.bytes() - (1 << 20)..disk.bytes()]).unwrap();
        assert_eq!(sign(&mark, &own), None);
    }

    /// Needs root. The node stays, the disk behind it is another one.
    #[test]
    fn a_name_that_has_become_another_disks_is_not_written() {
        testkit::needs!("root");
        let dir = tempfile::tempdir().unwrap();
        let [own, other] = twins(dir.path());
        let (_, plan) = crate::plan::sample();
        let node = Loop::new(&own);
        let disk = Disk::open_exclusive(&node.0).unwrap();
        let mark = Mark::new("sda", &disk, &plan, [7; 16]).unwrap();
        mark.write_on(&disk).unwrap();
        drop(disk);
        let open = || Disk::open_exclusive(&node.0).unwrap();
        mark.only(open(), Sign::NewTable).unwrap();
        tool("losetup", &["-d", node.name()]);
        tool("losetup", &[node.name(), other.to_str().unwrap()]);
        let refused = mark.only(open(), Sign::NewTable);
        assert!(matches!(refused, Err(Error::OtherDisk { .. })));
    }

    #[test]
    fn the_file_is_read_back_and_begins_with_the_name() {
        let dir = tempfile::tempdir().unwrap();
        let [own, _] = twins(dir.path());
        let (_, plan) = crate::plan::sample();
        let path = dir.path().join("point-of-no-return");
        assert_eq!(Mark::load(&path).unwrap(), None);
        let disk = Disk::open(&own).unwrap();
        let mut mark = Mark::new("sda", &disk, &plan, [7; 16]).unwrap();
        mark.disk.serial = "S 1".into();
        for name in ["sda", "vda"] {
            mark.name = name.into();
            mark.store(&path).unwrap();
            assert_eq!(Mark::load(&path).unwrap().as_ref(), Some(&mark));
            let text = std::fs::read_to_string(&path).unwrap();
            assert_eq!(text.lines().next(), Some(name));
        }
        // Whatever is in it, a migration has begun.
        std::fs::write(&path, "sda\n").unwrap();
        let error = Mark::load(&path).unwrap_err().to_string();
        assert!(error.contains("point-of-no-return: "), "{error}");
    }

    #[test]
    fn the_mark_is_replaced_as_a_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("point-of-no-return");
        replace(&path, "sda").unwrap();
        replace(&path, "vda").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "vda");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        assert!(replace(&dir.path().join("none/mark"), "sda").is_err());
    }
}
