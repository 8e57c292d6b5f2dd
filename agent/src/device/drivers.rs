// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which module drives which device, by the module index inside one initramfs.
//!
//! The tiny system asks this while it loads modules; `check` asks it on the old
//! system to know beforehand which drivers the tiny system will lack.

use super::Error;
use ondisk::modules::{Index, Name, Order, Resolved, Texts};

/// The index of the modules in an initramfs, and that of the modules left out of
/// it.
#[derive(Debug)]
pub struct Drivers {
    index: Index,
    absent: Index,
    /// What is built in is known by its modaliases, and not by name only.
    knows_builtins: bool,
}

impl Drivers {
    /// Parses the index files; `absent` is the text of
    /// [`ondisk::modules::ABSENT`].
    ///
    /// # Errors
    /// When a line of them cannot be understood.
    pub fn of(texts: &Texts, absent: &str) -> Result<Self, ondisk::modules::Error> {
        Ok(Self {
            index: Index::from_texts(texts)?,
            absent: Index::from_texts(&Texts {
                alias: absent,
                ..Texts::default()
            })?,
            knows_builtins: !texts.builtin_modinfo.is_empty(),
        })
    }

    pub(super) fn index(&self) -> &Index {
        &self.index
    }

    /// The order in which a module (or an alias) and its dependencies are loaded.
    /// `kernel` is named in the error. `is_builtin` answers for kernels whose
    /// index does not list what is built in.
    ///
    /// # Errors
    /// [`Error::NotThere`]
    pub fn order(
        &self,
        wanted: &str,
        kernel: &str,
        is_builtin: &dyn Fn(&str) -> bool,
    ) -> Result<Order, Error> {
        let order = self.index.order([wanted]);
        let mut missing = order.missing.iter().filter(|missing| missing.required);
        if let Some(missing) = missing.find(|missing| !is_builtin(&missing.wanted)) {
            let by = missing.by.as_ref();
            return Err(Error::NotThere {
                wanted: missing.wanted.clone(),
                by: by.map_or(String::new(), |by| format!(", which {by} needs,")),
                kernel: kernel.into(),
            });
        }
        Ok(order)
    }

    /// The modules that drive the device with this modalias: first those that are
    /// in the image, second those that the kernel has and the image lacks.
    pub fn of_device(&self, modalias: &str) -> (Vec<Name>, Vec<Name>) {
        let names = |index: &Index| match index.resolve(modalias) {
            Resolved::Modules(names) => names,
            Resolved::Builtin | Resolved::Nothing => Vec::new(),
        };
        (names(&self.index), names(&self.absent))
    }

    /// Whether a modalias that is not found has no driver in this kernel. Kernels
    /// before 5.2, and initramfs images, say of what is built in the names only.
    pub fn knows_builtins(&self) -> bool {
        self.knows_builtins
    }

    /// Whether the kernel has a module of this name, or what stands for the
    /// modalias, built in.
    pub fn is_builtin(&self, name: &str) -> bool {
        self.index.resolve(name) == Resolved::Builtin
    }
}
