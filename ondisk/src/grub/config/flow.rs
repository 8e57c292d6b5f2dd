// SPDX-License-Identifier: MIT OR Apache-2.0
//! `break`, `continue`, `return` and `shift`.

use super::number::unsigned;
use super::run::{FAILED, Interpreter};

impl Interpreter<'_> {
    pub(super) fn leave_loops(&mut self, name: &str, arguments: &[String]) -> i32 {
        let count = match arguments {
            [] => 1,
            [number] => match unsigned(number, 10) {
                n if n.rest.is_empty() => n.value.unwrap_or(0),
                _ => 0,
            },
            _ => 0,
        };
        if count == 0 {
            return FAILED;
        }
        let loops = &mut self.state.loops;
        loops.is_continue = name == "continue";
        loops.breaks = count.min(loops.active);
        0
    }

    pub(super) fn leave_function(&mut self, arguments: &[String]) -> i32 {
        if self.state.scope.is_none() {
            return FAILED;
        }
        let status = match arguments {
            [] => self.state.get("?").map_or(0, |text| {
                unsigned(text, 10)
                    .value
                    .map_or(0, |n| i32::try_from(n).unwrap_or(FAILED))
            }),
            [number] => match unsigned(number, 10) {
                n if n.rest.is_empty() => match n.value {
                    Ok(0) => 0,
                    Ok(n) => i32::try_from(n).unwrap_or(FAILED),
                    Err(_) => return FAILED,
                },
                _ => return FAILED,
            },
            _ => return FAILED,
        };
        self.state.loops.function_return = true;
        status
    }

    pub(super) fn shift(&mut self, arguments: &[String]) -> i32 {
        let Some(scope) = &mut self.state.scope else {
            return 0;
        };
        let count = match arguments {
            [] => 1,
            [number] => unsigned(number, 10).value.unwrap_or(0) as usize,
            _ => return FAILED,
        };
        if count > scope.parameters.len() {
            return FAILED;
        }
        scope.parameters.drain(..count);
        0
    }
}
