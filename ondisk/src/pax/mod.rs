// SPDX-License-Identifier: MIT OR Apache-2.0
//! The tar archive that GNU tar writes with --xattrs: ustar, GNU and pax headers, sparse maps.
