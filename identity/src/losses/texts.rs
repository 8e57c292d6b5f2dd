// SPDX-License-Identifier: MIT OR Apache-2.0
//! Counts and parses lines of configuration files. Pure.

/// The number of lines with content; a line that begins with one of these
/// characters is a comment.
pub(super) fn lines(text: &str, comments: &[char]) -> usize {
    let said = |line: &&str| !line.is_empty() && !line.starts_with(comments);
    text.lines().map(str::trim).filter(said).count()
}

/// How many jobs a crontab has: its lines, without those that set a variable.
pub(super) fn jobs(text: &str) -> usize {
    let jobs = text.lines().map(str::trim).filter(|line| {
        let name: &str = line.split(['=', ' ', '\t']).next().unwrap_or_default();
        let rest = line.get(name.len()..).unwrap_or_default().trim_start();
        let variable = rest.starts_with('=') && !name.starts_with(|c: char| c.is_ascii_digit());
        !line.is_empty() && !line.starts_with('#') && !variable
    });
    jobs.count()
}

/// How many rules a file of a firewall has: `-A` of iptables-save (also of
/// ufw), otherwise lines that are neither comments nor brackets.
pub(super) fn rules(text: &str) -> usize {
    let lines = || text.lines().map(str::trim);
    let saved = lines()
        .filter(|l| l.starts_with("-A ") || l.starts_with("-I "))
        .count();
    let is_save = lines().any(|l| l == "COMMIT");
    if is_save {
        return saved;
    }
    lines()
        .filter(|l| !l.is_empty() && !l.starts_with(['#', '}', ';']) && !l.starts_with("<!--"))
        .count()
}

/// The lines of a hosts file that are about other machines: `own` are the
/// names that are carried over.
pub(super) fn foreign_hosts(text: &str, own: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some((ip, names)) = words.split_first() else {
            continue;
        };
        let other = |n: &&&str| !own.contains(*n) && !is_local(n);
        let others: Vec<&str> = names.iter().filter(other).copied().collect();
        if !others.is_empty() {
            found.push(format!("{ip} {}", others.join(" ")));
        }
    }
    found
}

/// Names that each system has for itself and for groups of IPv6.
fn is_local(name: &str) -> bool {
    let names = [
        "broadcasthost",
        "ip6-localnet",
        "ip6-mcastprefix",
        "ip6-allnodes",
        "ip6-allrouters",
        "ip6-allhosts",
        "ip6-loopback",
        "ip6-localhost",
        "ipv6-localnet",
        "ipv6-mcastprefix",
        "ipv6-allnodes",
        "ipv6-allrouters",
        "ipv6-allhosts",
        "ipv6-loopback",
        "ipv6-localhost",
    ];
    let first = name.split('.').next().unwrap_or_default();
    let base = first.trim_end_matches(|c: char| c.is_ascii_digit());
    base == "localhost" || names.contains(&name)
}

/// Rules of systemd's preset files, in the order in which they count: enable
/// or not, and the pattern.
pub(super) fn presets(text: &str) -> Vec<(bool, String)> {
    let rule = |line: &str| {
        let mut words = line.split_whitespace();
        let enable = match words.next()? {
            "enable" => true,
            "disable" => false,
            _ => return None,
        };
        Some((enable, words.next()?.to_owned()))
    };
    text.lines().filter_map(rule).collect()
}
