// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs the tests of what writes the old system's files once more, without any
//! system call newer than Linux 3.10.

const OLD: &str = "REPLANT_TEST_OLD_KERNEL";

#[test]
fn what_writes_there_needs_no_newer_system_call() {
    testkit::needs!("root", "perl");
    if std::env::var_os(OLD).is_some() {
        return;
    }
    let mut again = testkit::on_linux_3_10(&std::env::current_exe().unwrap());
    let rooms = ["old::bootentry", "old::places", "old::lock"];
    let said = testkit::run(again.args(rooms).env(OLD, "1"));
    assert!(!said.contains(" 0 passed"), "{said}");
}
