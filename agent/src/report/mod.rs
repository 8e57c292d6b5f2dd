// SPDX-License-Identifier: MIT OR Apache-2.0
//! Progress and log, on every console and as JSON lines.
