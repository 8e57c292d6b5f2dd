// SPDX-License-Identifier: MIT OR Apache-2.0
//! Devices of this machine: what sysfs and uevents say, and the modules that they ask for.
