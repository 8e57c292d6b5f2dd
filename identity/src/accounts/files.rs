// SPDX-License-Identifier: MIT OR Apache-2.0
//! The account files of a system: passwd, group, and those beside them.

use super::database::Table;
use crate::error::Result;
use rootdir::RootDir;

/// The tables of the account files.
#[derive(Debug, Clone, Default)]
pub(crate) struct Files {
    pub passwd: Table,
    pub group: Table,
    pub shadow: Table,
    pub gshadow: Table,
    pub subuid: Table,
    pub subgid: Table,
}

impl Files {
    /// Reads them; a file that is not there is empty.
    pub(crate) fn read(root: &RootDir) -> Result<Files> {
        let table = |name: &str| -> Result<Table> {
            Ok(Table::parse(
                &root.text(&format!("etc/{name}"))?.unwrap_or_default(),
            ))
        };
        Ok(Files {
            passwd: table("passwd")?,
            group: table("group")?,
            shadow: table("shadow")?,
            gshadow: table("gshadow")?,
            subuid: table("subuid")?,
            subgid: table("subgid")?,
        })
    }
}
