// SPDX-License-Identifier: MIT OR Apache-2.0
//! Password hashes: the lines of shadow.

use super::files::Files;
use super::hashes;
use super::model::User;
use crate::report::Report;

/// Puts the password's hash and its aging into shadow. `id` is the new
/// system's ID and number.
pub(super) fn carry(files: &mut Files, user: &User, id: &str, report: &mut Report) {
    if user.password.is_empty() {
        // An empty field would let anybody in.
        report.warn(format!(
            "{} had no password; the account is locked",
            user.name
        ));
    }
    if let Some(reason) = hashes::refused(&user.password, id) {
        report.warn(hashes::said(user, &reason));
    }
    let password = if user.password.is_empty() {
        "!"
    } else {
        &user.password
    };
    let mut aging: Vec<&str> = user.aging.split(':').collect();
    aging.resize(7, "");
    let aging: Vec<String> = aging
        .iter()
        .map(|a| {
            if a.parse::<i64>().is_ok() {
                (*a).to_owned()
            } else {
                String::new()
            }
        })
        .collect();
    let mut entry = vec![user.name.clone(), password.to_owned()];
    entry.extend(aging);
    files.shadow.set(entry);
    if let Some(entry) = files.passwd.get(&user.name).map(<[String]>::to_vec) {
        let mut entry = entry;
        // The hash must not be in passwd, too.
        if let Some(field) = entry.get_mut(1) {
            *field = "x".to_owned();
        }
        files.passwd.set(entry);
    }
}
