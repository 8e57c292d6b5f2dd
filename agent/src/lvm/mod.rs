// SPDX-License-Identifier: MIT OR Apache-2.0
//! Volume groups on real devices: found, activated, created, removed.
