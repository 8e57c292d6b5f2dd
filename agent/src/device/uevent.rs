// SPDX-License-Identifier: MIT OR Apache-2.0
//! One message of the kernel about a device.

/// What happened to the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It appeared.
    Add,
    /// It went away.
    Remove,
    /// It changed, a disk's size or medium for example.
    Change,
    /// A driver took it.
    Bind,
    /// Its driver left it.
    Unbind,
    /// Anything else (move, online, offline).
    Other,
}

/// A message of the kernel: `action@devpath`, then `KEY=value` strings, each
/// with its NUL. Source: lib/kobject_uevent.c.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uevent {
    pub action: Action,
    /// The device's path below /sys.
    pub path: String,
    pairs: Vec<(String, String)>,
}

impl Uevent {
    /// Reads a message. `None` if it is not one of the kernel's (udev's own
    /// begin with `libudev`).
    pub fn parse(message: &[u8]) -> Option<Self> {
        let mut strings = message.split(|byte| *byte == 0);
        let head = std::str::from_utf8(strings.next()?).ok()?;
        let (action, path) = head.split_once('@')?;
        if !path.starts_with('/') {
            return None;
        }
        let action = match action {
            "add" => Action::Add,
            "remove" => Action::Remove,
            "change" => Action::Change,
            "bind" => Action::Bind,
            "unbind" => Action::Unbind,
            _ => Action::Other,
        };
        let mut pairs = Vec::new();
        for string in strings {
            let string = String::from_utf8_lossy(string);
            if let Some((key, value)) = string.split_once('=') {
                pairs.push((key.to_owned(), value.to_owned()));
            }
        }
        Some(Self {
            action,
            path: path.to_owned(),
            pairs,
        })
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|pair| pair.0 == key)
            .map(|pair| pair.1.as_str())
    }

    /// `SUBSYSTEM`: `block`, `pci`, ...
    pub fn subsystem(&self) -> Option<&str> {
        self.get("SUBSYSTEM")
    }

    /// `MODALIAS`, by which the driver's module is found.
    pub fn modalias(&self) -> Option<&str> {
        self.get("MODALIAS")
    }

    /// `DEVNAME`: the node's name below /dev.
    pub fn name(&self) -> Option<&str> {
        self.get("DEVNAME")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::Random;

    const DISK: &[u8] = b"add@/devices/pci0000:00/0000:00:05.0/virtio2/block/vda/vda1\0\
        ACTION=add\0DEVPATH=/devices/pci0000:00/0000:00:05.0/virtio2/block/vda/vda1\0\
        SUBSYSTEM=block\0MAJOR=254\0MINOR=1\0DEVNAME=vda1\0DEVTYPE=partition\0DISKSEQ=1\0\
        PARTN=1\0PARTNAME=BIOS boot = first\0SEQNUM=1234\0";

    #[test]
    fn a_message_of_the_kernel() {
        let event = Uevent::parse(DISK).unwrap();
        assert_eq!(event.action, Action::Add);
        assert!(event.path.ends_with("/block/vda/vda1"));
        assert_eq!(event.subsystem(), Some("block"));
        assert_eq!(event.name(), Some("vda1"));
        assert_eq!(event.get("PARTNAME"), Some("BIOS boot = first"));
        assert_eq!(event.modalias(), None);
    }

    #[test]
    fn other_messages() {
        let event = Uevent::parse(b"bind@/devices/x\0MODALIAS=scsi:t-0x00\0\0garbage\0").unwrap();
        assert_eq!(
            (event.action, event.modalias()),
            (Action::Bind, Some("scsi:t-0x00"))
        );
        assert_eq!(Uevent::parse(b"move@/x").unwrap().action, Action::Other);
        for bad in [
            &b"libudev\0\xfe\xed"[..],
            b"",
            b"add",
            b"add@x",
            b"\xff\xff@/x",
        ] {
            assert_eq!(Uevent::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn mutations_never_panic() {
        let mut random = Random(1);
        let mut refused = 0;
        for _ in 0..20_000 {
            let mut message = DISK.to_vec();
            for _ in 0..=random.below(5) {
                let at = random.below(message.len());
                message[at] ^= 1 << random.below(8);
            }
            // The head is short; it is to be hit, too.
            message[random.below(6)] ^= u8::from(random.below(2) == 0);
            message.truncate(random.below(message.len()) + 1);
            match Uevent::parse(&message) {
                Some(event) => assert!(event.path.starts_with('/')),
                None => refused += 1,
            }
        }
        assert!((100..19_900).contains(&refused), "{refused}");
    }
}
