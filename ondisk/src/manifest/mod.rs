// SPDX-License-Identifier: MIT OR Apache-2.0
//! `migration.toml`: what is in a package and what becomes of it.
