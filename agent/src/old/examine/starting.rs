// SPDX-License-Identifier: MIT OR Apache-2.0
//! Checks that this machine's GRUB starts the tiny system once, and after that
//! what it starts now.

use crate::old::Error;
use crate::old::arguments::Lines;
use crate::old::bootentry::{Entry, Loader, Normal, View};
use crate::old::places;
use crate::old::rows::Rows;
use crate::old::survey::Survey;
use ondisk::grub::config::Dialect;
use ondisk::os_release::{self, OsRelease};
use std::path::{Path, PathBuf};

/// How the tiny system is started.
pub(super) struct Starting {
    pub(super) loader: Loader,
    /// The entry of a machine without protection.
    pub(super) entry: Entry,
    pub(super) view: View,
    /// What GRUB starts without a choice.
    pub(super) normal: Normal,
    /// The file that gets the entry.
    pub(super) file: PathBuf,
    /// The kernel's command line in the armed boot, without the words that our
    /// loader adds.
    pub(super) words: String,
}

impl Starting {
    /// Looks at GRUB; what is in the way is a row.
    pub(super) fn find(
        survey: Option<&Survey>,
        append: &[&str],
        rows: &mut Rows,
    ) -> Option<Starting> {
        let loader = rows.take("grub", Loader::detect(Path::new("/")))?;
        rows.take("grub", loader.check())?;
        let Some(survey) = survey else {
            rows.skip(
                "grub",
                "what it would start depends on the root and on /boot",
            );
            return None;
        };
        let starting = rows.take("grub", Starting::of(survey, loader, append))?;
        rows.fine(
            "grub",
            format_args!(
                "one boot into the tiny system by {}",
                starting.file.display()
            ),
        );
        if !survey.arguments.unknown.is_empty() {
            rows.warn(
                "grub",
                format_args!(
                    "words of this machine's kernel command line that the tiny system does not get, for nobody knows whether the machine needs them: {}; if it does, give them with --append",
                    survey.arguments.unknown.join(" ")
                ),
            );
        }
        Some(starting)
    }

    fn of(survey: &Survey, loader: Loader, append: &[&str]) -> Result<Starting, Error> {
        let lines = Lines::new(&survey.root, &survey.arguments, append)?;
        let [kernel, initramfs] = places::boot_files().map(|name| survey.grub_path(&name));
        let entry = Entry {
            kernel,
            initramfs,
            chain: None,
            boot_uuid: survey.boot_uuid.clone(),
            armed: lines.armed,
            survey: lines.survey,
        };
        let view = View::open(
            &loader,
            &survey.boot_mount,
            &survey.boot_uuid,
            Dialect::of(&os_release()),
        )?;
        let normal = view.normal(&loader)?;
        view.forecast(&loader, &entry, &normal)?;
        Ok(Starting {
            file: loader.file()?,
            loader,
            entry,
            view,
            normal,
            words: lines.kernel,
        })
    }
}

/// os-release, which tells whose GRUB it is. A system without it counts as one
/// whose GRUB has no distribution's patches.
fn os_release() -> OsRelease {
    let root = Path::new("/");
    let mut texts = os_release::PATHS
        .iter()
        .filter_map(|path| std::fs::read(root.join(path)).ok());
    let text = texts.next().unwrap_or_default();
    OsRelease::of(&String::from_utf8_lossy(&text))
}
