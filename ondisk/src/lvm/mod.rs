// SPDX-License-Identifier: MIT OR Apache-2.0
//! LVM2: label, metadata areas, text, allocation, and the tables of device-mapper.
