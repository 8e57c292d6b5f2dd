// SPDX-License-Identifier: MIT OR Apache-2.0
//! What makes a machine itself: names, addresses, accounts, keys.
