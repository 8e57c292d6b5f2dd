// SPDX-License-Identifier: MIT OR Apache-2.0
//! Progress of long work, for a person at a terminal. If standard error is no
//! terminal, indicatif draws nothing.

use indicatif::{ProgressBar, ProgressStyle};

const BYTES: &str =
    "{msg}: {percent} % of {total_bytes}, {bytes_per_sec}, {eta} to go [{wide_bar:.}]";
const PERCENT: &str = "{msg}: {percent} %, {eta} to go [{wide_bar:.}]";

/// Work on a known number of bytes.
pub fn bytes(what: &str, length: u64) -> ProgressBar {
    styled(ProgressBar::new(length), BYTES, what)
}

/// Work that a program does, which says how many hundredths are done.
pub fn percent(what: &str) -> ProgressBar {
    styled(ProgressBar::new(100), PERCENT, what)
}

fn styled(bar: ProgressBar, template: &str, what: &str) -> ProgressBar {
    let bar = bar.with_message(what.to_string());
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style.progress_chars("=> ")),
        // The default style, rather than none of the work done.
        Err(_) => bar,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use indicatif::{ProgressDrawTarget, TermLike};
    use std::io::Result;
    use std::sync::{Arc, Mutex};

    /// A terminal of 80 columns that keeps what is written.
    #[derive(Debug, Clone, Default)]
    struct Paper(Arc<Mutex<String>>);

    impl TermLike for Paper {
        fn width(&self) -> u16 {
            80
        }
        fn move_cursor_up(&self, _: usize) -> Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> Result<()> {
            self.write_str(text)
        }
        fn write_str(&self, text: &str) -> Result<()> {
            self.0.lock().unwrap().push_str(text);
            Ok(())
        }
        fn clear_line(&self) -> Result<()> {
            Ok(())
        }
        fn flush(&self) -> Result<()> {
            Ok(())
        }
    }

    #[test]
    fn says_what_is_done_and_how_far() {
        for (bar, position, words) in [
            (
                bytes("hashing", 1 << 20),
                1 << 19,
                &["hashing: 50 % of 1.00 MiB, ", "/s, ", " to go"][..],
            ),
            (percent("converting"), 20, &["converting: 20 %, ", " to go"]),
        ] {
            let paper = Paper::default();
            bar.set_draw_target(ProgressDrawTarget::term_like(Box::new(paper.clone())));
            bar.set_position(position);
            bar.force_draw();
            let text = paper.0.lock().unwrap().clone();
            assert!(words.iter().all(|w| text.contains(w)), "{text}");
        }
    }
}
