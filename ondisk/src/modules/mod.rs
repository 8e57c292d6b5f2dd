// SPDX-License-Identifier: MIT OR Apache-2.0
//! modules.dep, modules.alias, modules.softdep and what they say together.
