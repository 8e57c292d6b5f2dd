// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a module says about itself: the `.modinfo` section of its ELF file.

use super::Error;
use crate::numbers::{u16_at, u32_at, u64_at};

/// The `key=value` strings of a module's `.modinfo` section, in its order.
///
/// Source: elf(5) and the kernel's include/linux/moduleparam.h. The file must
/// be uncompressed, 64 bit, little-endian; a signature behind it does no harm.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModInfo {
    pairs: Vec<(String, String)>,
}

impl ModInfo {
    /// Reads the section out of the bytes of a `.ko` file.
    pub fn from_elf(file: &[u8]) -> Result<Self, Error> {
        let wrong = |what| Error::Elf { what };
        // EI_CLASS 2 is 64 bit, EI_DATA 1 little-endian.
        match file.get(..6) {
            Some([0x7f, b'E', b'L', b'F', 2, 1]) => {}
            Some([0x7f, b'E', b'L', b'F', ..]) => {
                return Err(wrong("it is not a 64 bit little-endian ELF file"));
            }
            _ => return Err(wrong("it is no ELF file")),
        }
        let header = wrong("its ELF header is cut off");
        let e_shoff = u64_at(file, 0x28).ok_or(header.clone())?;
        let e_shentsize = u16_at(file, 0x3a).ok_or(header.clone())?;
        let e_shnum = u16_at(file, 0x3c).ok_or(header.clone())?;
        let e_shstrndx = u16_at(file, 0x3e).ok_or(header)?;
        let section = |number: u16| {
            let at = u64::from(number).checked_mul(u64::from(e_shentsize))?;
            let at = usize::try_from(e_shoff.checked_add(at)?).ok()?;
            let name = u32_at(file, at)?;
            let offset = usize::try_from(u64_at(file, at.checked_add(0x18)?)?).ok()?;
            let size = usize::try_from(u64_at(file, at.checked_add(0x20)?)?).ok()?;
            Some((name as usize, file.get(offset..offset.checked_add(size)?)?))
        };
        let (_, names) = section(e_shstrndx).ok_or(wrong("its section names are cut off"))?;
        for number in 0..e_shnum {
            // Sections without bytes in the file (.bss) may reach beyond it.
            let Some((name, content)) = section(number) else {
                continue;
            };
            // No search for the name's end: it may be as far as the file is long.
            let name = names.get(name..).unwrap_or_default();
            if name.starts_with(b".modinfo\0") {
                return Ok(Self::from_section(content));
            }
        }
        Err(wrong(
            "it has no .modinfo section, or the file is truncated",
        ))
    }

    /// Reads the strings of the section itself.
    pub fn from_section(content: &[u8]) -> Self {
        let mut pairs = Vec::new();
        for string in content.split(|byte| *byte == 0) {
            let string = String::from_utf8_lossy(string);
            if let Some((key, value)) = string.split_once('=') {
                pairs.push((key.to_owned(), value.to_owned()));
            }
        }
        Self { pairs }
    }

    /// All values of `key`.
    pub fn values<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs
            .iter()
            .filter(move |pair| pair.0 == key)
            .map(|pair| pair.1.as_str())
    }

    /// `name=`: the module's own name.
    pub fn name(&self) -> Option<&str> {
        self.values("name").next()
    }

    /// `vermagic=`: the kernel's version and the options that must agree.
    pub fn vermagic(&self) -> Option<&str> {
        self.values("vermagic").next()
    }

    /// `depends=`: names of the modules whose symbols it uses (not the closure).
    pub fn depends(&self) -> impl Iterator<Item = &str> {
        self.values("depends")
            .flat_map(|names| names.split(','))
            .filter(|name| !name.is_empty())
    }

    /// `alias=`: the patterns of what it drives.
    pub fn aliases(&self) -> impl Iterator<Item = &str> {
        self.values("alias")
    }

    /// `softdep=`: `pre: a b post: c`.
    pub fn softdeps(&self) -> impl Iterator<Item = &str> {
        self.values("softdep")
    }
}
