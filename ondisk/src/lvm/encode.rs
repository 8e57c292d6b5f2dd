// SPDX-License-Identifier: MIT OR Apache-2.0
//! Volume group to text, in the form and order that lvm2 writes to a disk.

use super::date::ctime;
use super::text::{Item, Section, Value};
use super::vg::{LogicalVolume, Origin, PhysicalVolume, Segment, SegmentKind, VolumeGroup};

/// The text of a volume group, with the NUL that ends it.
///
/// For groups of linear, striped, zero and error volumes the bytes are those
/// that lvm2 2.03 writes. Other segments come out with equal meaning.
pub fn encode(vg: &VolumeGroup) -> Vec<u8> {
    let mut out = Writer::default();
    out.group(vg);
    out.origin(&vg.origin);
    let mut bytes = out.0.into_bytes();
    // A NUL ends the text, so none may stand in it.
    bytes.retain(|b| *b != 0);
    bytes.push(0);
    bytes
}

#[derive(Default)]
struct Writer(String);

fn quote(s: &str) -> String {
    let mut out = String::with_capacity(s.len() + 2);
    out.push('"');
    for c in s.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

/// Names that a bare identifier cannot hold are quoted. lvm2 quotes for `#`,
/// `"` and `!` only, and takes no name with any of the others.
fn identifier(name: &str) -> String {
    let ends = |c: char| c.is_ascii_whitespace() || c == '\x0b' || "#\"!={}".contains(c);
    if name.is_empty() || name.contains(ends) {
        quote(name)
    } else {
        name.to_owned()
    }
}

fn scalar(v: &Value) -> String {
    match v {
        Value::Int(n) => n.to_string(),
        Value::Float(s) => s.clone(),
        Value::Text(s) => quote(s),
        Value::List(list) => {
            let list: Vec<String> = list.iter().map(scalar).collect();
            format!("[{}]", list.join(", "))
        }
    }
}

impl Writer {
    fn line(&mut self, s: &str) {
        self.0.push_str(s);
        self.0.push('\n');
    }

    fn text(&mut self, key: &str, value: &str) {
        self.line(&format!("{key} = {}", quote(value)));
    }

    fn optional(&mut self, key: &str, value: Option<&str>) {
        if let Some(v) = value {
            self.text(key, v);
        }
    }

    fn number(&mut self, key: &str, value: u64) {
        self.line(&format!("{key} = {value}"));
    }

    fn words(&mut self, key: &str, words: &[String]) {
        let words: Vec<String> = words.iter().map(|w| quote(w)).collect();
        self.line(&format!("{key} = [{}]", words.join(", ")));
    }

    fn tags(&mut self, tags: &[String]) {
        if !tags.is_empty() {
            self.words("tags", tags);
        }
    }

    fn group(&mut self, vg: &VolumeGroup) {
        self.line(&format!("{} {{", identifier(&vg.name)));
        self.text("id", &vg.id.to_string());
        self.number("seqno", u64::from(vg.seqno));
        self.optional("format", vg.format.as_deref());
        self.words("status", &vg.status);
        self.words("flags", &vg.flags);
        self.tags(&vg.tags);
        self.optional("system_id", vg.system_id.as_deref());
        self.optional("lock_type", vg.lock_type.as_deref());
        self.optional("lock_args", vg.lock_args.as_deref());
        self.number("extent_size", vg.extent_size);
        self.number("max_lv", vg.max_lv);
        self.number("max_pv", vg.max_pv);
        self.optional("allocation_policy", vg.allocation_policy.as_deref());
        self.optional("profile", vg.profile.as_deref());
        if let Some(n) = vg.metadata_copies {
            self.number("metadata_copies", n);
        }
        self.line("\nphysical_volumes {");
        for pv in &vg.pvs {
            self.pv(pv);
        }
        self.line("}\n");
        if !vg.lvs.is_empty() {
            self.line("logical_volumes {");
            for lv in &vg.lvs {
                self.lv(lv);
            }
            self.line("}");
        }
        self.line("");
        if let Some(historical) = &vg.historical {
            self.section("historical_logical_volumes", historical);
            self.line("");
        }
        self.line("}");
    }

    fn pv(&mut self, pv: &PhysicalVolume) {
        self.line(&format!("\n{} {{", identifier(&pv.section)));
        self.text("id", &pv.id.to_string());
        self.optional("device", pv.device.as_deref());
        self.line("");
        self.optional("device_id_type", pv.device_id_type.as_deref());
        self.optional("device_id", pv.device_id.as_deref());
        self.words("status", &pv.status);
        self.words("flags", &pv.flags);
        self.tags(&pv.tags);
        if let Some(n) = pv.dev_size {
            self.number("dev_size", n);
        }
        self.number("pe_start", pv.pe_start);
        self.number("pe_count", pv.pe_count);
        if let Some((start, size)) = pv.bootloader_area {
            self.number("ba_start", start);
            self.number("ba_size", size);
        }
        self.line("}");
    }

    fn lv(&mut self, lv: &LogicalVolume) {
        self.line(&format!("\n{} {{", identifier(&lv.name)));
        self.text("id", &lv.id.to_string());
        self.words("status", &lv.status);
        self.words("flags", &lv.flags);
        self.tags(&lv.tags);
        // lvm2 wants both of them, or none.
        if let (Some(time), Some(host)) = (lv.creation_time, &lv.creation_host) {
            self.line(&format!("creation_time = {time}"));
            self.text("creation_host", host);
        }
        self.optional("lock_args", lv.lock_args.as_deref());
        self.optional("allocation_policy", lv.allocation_policy.as_deref());
        self.optional("profile", lv.profile.as_deref());
        for (key, value) in [
            ("read_ahead", lv.read_ahead),
            ("major", lv.major),
            ("minor", lv.minor),
        ] {
            if let Some(n) = value {
                self.line(&format!("{key} = {n}"));
            }
        }
        self.number("segment_count", lv.segments.len() as u64);
        for (i, segment) in lv.segments.iter().enumerate() {
            self.segment(i + 1, segment);
        }
        self.line("}");
    }

    fn segment(&mut self, n: usize, segment: &Segment) {
        // lvm2 sets off the first one only.
        let blank = if n == 1 { "\n" } else { "" };
        self.line(&format!("{blank}segment{n} {{"));
        self.number("start_extent", segment.start_extent);
        self.number("extent_count", segment.extent_count);
        self.line("");
        let name = match &segment.kind {
            SegmentKind::Striped { .. } => "striped",
            SegmentKind::Zero => "zero",
            SegmentKind::Error => "error",
            SegmentKind::Other { name, .. } => name,
        };
        self.text("type", name);
        self.tags(&segment.tags);
        match &segment.kind {
            SegmentKind::Striped {
                stripe_size,
                stripes,
            } => {
                self.number("stripe_count", stripes.len() as u64);
                if stripes.len() > 1 {
                    self.number("stripe_size", *stripe_size);
                }
                let legs: Vec<String> = stripes
                    .iter()
                    .map(|s| format!("{}, {}", quote(&s.on), s.extent))
                    .collect();
                self.line(&format!("\nstripes = [\n{}\n]", legs.join(",\n")));
            }
            SegmentKind::Zero | SegmentKind::Error => {}
            SegmentKind::Other { params, .. } => self.entries(params),
        }
        self.line("}");
    }

    fn section(&mut self, name: &str, section: &Section) {
        self.line(&format!("{} {{", identifier(name)));
        self.entries(section);
        self.line("}");
    }

    fn entries(&mut self, section: &Section) {
        for (name, item) in &section.entries {
            match item {
                Item::Value(v) => self.line(&format!("{} = {}", identifier(name), scalar(v))),
                Item::Section(s) => self.section(name, s),
            }
        }
    }

    fn origin(&mut self, origin: &Origin) {
        // A comment ends with its line.
        let comment = |s: &str| s.replace(['\n', '\r'], " ");
        let date = origin.creation_time.map(ctime).unwrap_or_default();
        self.line(&format!(
            "# Generated by {}: {date}\n",
            comment(&origin.generator)
        ));
        self.text("contents", "Text Format Volume Group");
        self.line("version = 1\n");
        self.text("description", origin.description.as_deref().unwrap_or(""));
        self.line("");
        if let Some(host) = &origin.creation_host {
            let note = match origin.host_comment.as_str() {
                "" => String::new(),
                note => format!("\t# {}", comment(note)),
            };
            self.line(&format!("creation_host = {}{note}", quote(host)));
        }
        self.optional("creation_host_system_id", origin.system_id.as_deref());
        if let Some(time) = origin.creation_time {
            self.line(&format!("creation_time = {time}\t# {date}"));
        }
        self.line("");
    }
}
