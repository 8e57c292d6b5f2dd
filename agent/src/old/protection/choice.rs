// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which level of protection a staging gets.

use super::Obstacle;
use ondisk::manifest::Protection;

/// Why the required level of protection is not possible.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// This machine cannot have the level.
    #[error(
        "{who} protection \"{level}\", which this machine cannot have: {}{}", list(.obstacles),
        way(*.by_option)
    )]
    Impossible {
        who: &'static str,
        level: Protection,
        obstacles: Vec<Obstacle>,
        /// Whether it was asked for on the command line, so that it could be left
        /// out.
        by_option: bool,
    },
    /// The option asks for less than the package accepts.
    #[error(
        "--protection {asked} is less than the package accepts (migration.toml: protection = \"{least}\")"
    )]
    TooLittle {
        asked: Protection,
        least: Protection,
    },
}

fn list(obstacles: &[Obstacle]) -> String {
    let texts: Vec<String> = obstacles.iter().map(Obstacle::to_string).collect();
    texts.join("; also: ")
}

fn way(by_option: bool) -> &'static str {
    match by_option {
        true => "; remove that, or stage without --protection",
        false => "",
    }
}

/// The level that was `asked` for, which must be at least what the package
/// accepts; without one, the best that is possible.
pub fn choose(
    asked: Option<Protection>,
    least: Option<Protection>,
    obstacles: &[Obstacle],
) -> Result<Protection, Refused> {
    let possible = match obstacles {
        [] => Protection::Resume,
        _ => Protection::None,
    };
    let accepted = least.unwrap_or_default();
    if let Some(asked) = asked.filter(|asked| *asked < accepted) {
        let least = accepted;
        return Err(Refused::TooLittle { asked, least });
    }
    let wanted = asked.unwrap_or(possible.max(accepted));
    if wanted <= possible {
        return Ok(wanted);
    }
    let by_option = accepted < wanted;
    Err(Refused::Impossible {
        who: match by_option {
            true => "--protection asks for",
            false => "the package asks for",
        },
        level: wanted,
        obstacles: obstacles.to_vec(),
        by_option,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use Protection::{None as Bare, Resume};

    #[test]
    fn the_best_that_is_possible_and_not_less_than_is_accepted() {
        let obstacles = [Obstacle::Commands, Obstacle::NoVolumes];
        let choose = |asked, least, obstacles: &[Obstacle]| {
            let chosen = super::choose(asked, least, obstacles);
            chosen.map_err(|e| e.to_string())
        };
        assert_eq!(choose(None, None, &[]), Ok(Resume));
        assert_eq!(choose(None, None, &obstacles), Ok(Bare));
        assert_eq!(choose(None, Some(Resume), &[]), Ok(Resume));
        assert_eq!(choose(Some(Bare), None, &[]), Ok(Bare));
        assert_eq!(choose(Some(Resume), Some(Bare), &[]), Ok(Resume));
        let error = choose(Some(Resume), None, &obstacles).unwrap_err();
        assert!(error.starts_with("--protection asks for"), "{error}");
        for obstacle in &obstacles {
            assert!(error.contains(&obstacle.to_string()), "{error}");
        }
        assert!(error.ends_with("stage without --protection"), "{error}");
        let error = choose(None, Some(Resume), &obstacles).unwrap_err();
        assert!(error.starts_with("the package asks for"), "{error}");
        assert!(!error.contains("--protection"), "{error}");
        let error = choose(Some(Bare), Some(Resume), &[]).unwrap_err();
        assert!(error.contains("--protection none is less than"), "{error}");
    }
}
