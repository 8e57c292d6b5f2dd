// SPDX-License-Identifier: MIT OR Apache-2.0
//! What /proc says of a process.

/// The fields of /proc/PID/stat (proc(5)) that somebody here asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    /// The program's name, as the kernel cut it.
    pub name: String,
    /// `R`, `S`, `D`, `Z` ...
    pub state: char,
    pub parent: u32,
    /// The session's number: that of the process which began it.
    pub session: u32,
    /// Processor time, in ticks, with that of children that were waited for.
    pub ticks: u64,
    /// When it was started, in ticks since the boot: number and start together
    /// mean one process for ever.
    pub start: u64,
    pub pages: u64,
}

impl Stat {
    /// Reads the text of the file. The name, in parentheses, may hold anything.
    pub fn parse(text: &str) -> Option<Stat> {
        let (head, rest) = text.rsplit_once(')')?;
        let (_, name) = head.split_once('(')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        // The first of these is the third in proc(5).
        let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
        let signed = |field: usize| fields.get(field - 3)?.parse::<i64>().ok();
        let ticks = number(14)?.saturating_add(number(15)?);
        let childrens = signed(16)?.max(0).saturating_add(signed(17)?.max(0));
        Some(Stat {
            name: name.to_string(),
            state: fields.first()?.chars().next()?,
            parent: u32::try_from(number(4)?).ok()?,
            session: u32::try_from(number(6)?).ok()?,
            ticks: ticks.saturating_add(childrens.unsigned_abs()),
            start: number(22)?,
            pages: u64::try_from(signed(24)?).unwrap_or(0),
        })
    }

    /// Dead, and only not waited for.
    pub fn is_dead(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_this_very_process() {
        let text = std::fs::read_to_string("/proc/self/stat").unwrap();
        let stat = Stat::parse(&text).unwrap();
        assert_eq!(stat.parent, std::os::unix::process::parent_id());
        // The main thread's state; it may wait for this test's.
        assert!(['R', 'S'].contains(&stat.state) && !stat.is_dead());
        // The session is 0 where it was begun outside of this PID namespace.
        assert!(stat.pages > 0 && stat.start > 0);
    }

    #[test]
    fn unusual_names_and_rubbish() {
        let text = "7 (a) b (c) D 1 7 6 0 -1 4 0 0 0 0 5 6 7 8 20 0 1 0 99 4096 12 x";
        let stat = Stat::parse(text).unwrap();
        assert_eq!((stat.name.as_str(), stat.state), ("a) b (c", 'D'));
        assert_eq!((stat.parent, stat.session), (1, 6));
        assert_eq!((stat.ticks, stat.start, stat.pages), (26, 99, 12));
        for cut in 0..text.len() - 2 {
            let _ = Stat::parse(&text[..cut]);
        }
        for rubbish in ["", "7", "7 (a)", "7 (a) R", "7 (a) R 1 2 3", ")(", "é) R"] {
            assert_eq!(Stat::parse(rubbish), None, "{rubbish}");
        }
    }
}
