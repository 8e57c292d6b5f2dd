// SPDX-License-Identifier: MIT OR Apache-2.0
//! Dates as lvm2 writes them into comments.

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// `ctime(3)` without the line end, in UTC: `Sun Nov 22 21:46:32 2026`.
/// Times before 1970 are shown as 1970's first second.
pub(super) fn ctime(seconds: i64) -> String {
    let seconds = u64::try_from(seconds).unwrap_or(0);
    let (days, second) = (seconds / 86400, seconds % 86400);
    let weekday = DAYS.get((days % 7) as usize).copied().unwrap_or("");
    // Days to date by eras of 400 years that begin on the first of March.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = (from_march + 2) % 12;
    let year = era * 400 + year_of_era + u64::from(month < 2);
    let month = MONTHS.get(month as usize).copied().unwrap_or("");
    let (h, m, s) = (second / 3600, second / 60 % 60, second % 60);
    format!("{weekday} {month} {day:2} {h:02}:{m:02}:{s:02} {year}")
}

#[cfg(test)]
mod tests {
    use super::ctime;

    #[test]
    fn known_dates() {
        assert_eq!(ctime(0), "Thu Jan  1 00:00:00 1970");
        assert_eq!(ctime(1795383992), "Sun Nov 22 21:46:32 2026");
        assert_eq!(ctime(951782400), "Tue Feb 29 00:00:00 2000");
        assert_eq!(ctime(4107542399), "Sun Feb 28 23:59:59 2100");
        assert_eq!(ctime(4107542400), "Mon Mar  1 00:00:00 2100");
        assert_eq!(ctime(-1), "Thu Jan  1 00:00:00 1970");
    }
}
