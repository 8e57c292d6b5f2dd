// SPDX-License-Identifier: MIT OR Apache-2.0
//! /init under a real kernel, with shell scripts in the place of the agent.

mod alone;
mod consoles;
mod death;
mod end;
mod fault;
mod hang;
mod machine;
mod stuck;
mod watchdog;
