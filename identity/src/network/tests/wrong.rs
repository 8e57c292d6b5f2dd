// SPDX-License-Identifier: MIT OR Apache-2.0
//! Values of settings that are known which are none of their kind.

use super::*;

/// MAC addresses, MTUs and metrics, in every dialect that is read line by line.
#[test]
fn a_value_that_is_none_is_named_with_its_line() {
    let (_, mut warnings) = carried_of(
        &[
            (
                "etc/sysconfig/network-scripts/ifcfg-a",
                "DEVICE=a\nMACADDR=52:54\nMTU=big\nMETRIC=low\n",
            ),
            (
                "etc/network/interfaces",
                "iface b inet manual\n hwaddress ether 52:54\n mtu big\n metric low\n",
            ),
            (
                "etc/systemd/network/c.network",
                "[Match]\nName=c\nMACAddress=52:54:00:00:00:07\n[Link]\nMACAddress=52:54\nMTUBytes=big\n[Network]\nDHCP=ipv4\n[DHCPv4]\nRouteMetric=low\n",
            ),
            (
                "etc/systemd/network/d.netdev",
                "[NetDev]\nName=d\nKind=bridge\nMACAddress=52:54\nMTUBytes=big\n",
            ),
            (
                "etc/sysconfig/network/ifcfg-e",
                "STARTMODE=auto\nLLADDR=52:54\nMTU=big\n",
            ),
        ],
        None,
    );
    warnings.sort();
    let lost = |of: &str| format!("{of}; it is not carried over");
    let left = |of: &str| format!("etc/network/interfaces:{of} and is left out");
    assert_eq!(
        warnings,
        [
            lost("c.network:10: RouteMetric=low of [DHCPv4] is no number"),
            lost("c.network:5: MACAddress=52:54 of [Link] is no MAC address"),
            lost("c.network:6: MTUBytes=big of [Link] is no number"),
            lost("d.netdev:4: MACAddress=52:54 of [NetDev] is no MAC address"),
            lost("d.netdev:5: MTUBytes=big of [NetDev] is no number"),
            left("2: `hwaddress ether 52:54` of b is no MAC address"),
            left("3: `mtu big` of b is no number"),
            left("4: `metric low` of b is no number"),
            lost("etc/sysconfig/network/ifcfg-e:2: LLADDR=52:54 is no MAC address"),
            lost("etc/sysconfig/network/ifcfg-e:3: MTU=big is no number"),
            lost("ifcfg-a:2: MACADDR=52:54 is no MAC address"),
            lost("ifcfg-a:3: MTU=big is no number"),
            lost("ifcfg-a:4: METRIC=low is no number"),
        ]
    );
    // Words that say no more than their absence.
    let (_, warnings) = carried_of(
        &[
            (
                "etc/sysconfig/network-scripts/ifcfg-a",
                "DEVICE=a\nMACADDR=permanent\nMTU=\nIPV4_ROUTE_METRIC=-1\n",
            ),
            (
                "etc/systemd/network/d.netdev",
                "[NetDev]\nName=d\nKind=bridge\nMACAddress=none\n",
            ),
        ],
        None,
    );
    assert_eq!(warnings, [""; 0]);
}
