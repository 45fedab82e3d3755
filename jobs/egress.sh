#!/bin/sh
# Writes what an allocation's network may reach, and reads it back: the first task of runner.nomad.hcl, in the network
# namespace that all its tasks share, and the only one with NET_ADMIN. Where it fails, no runner starts. POSIX sh with
# iptables and ip6tables, and getent for rules that name a host.
#
#   egress.sh RULES
#
# RULES is a file of lines; the first one that fits a connection holds, and the last line is for all others:
#   accept|reject ADDRESS[/BITS]|HOST PORT[,PORT…]|*
#   default accept|reject
# A host's addresses are those of now, when the runner starts. Always open are loopback, the resolvers' port 53 and what IPv6
# needs of ICMP to find its neighbours.
#
# Environment, for tests (defaults in brackets)
#   EGRESS_RESOLV_CONF  the resolvers [/etc/resolv.conf]
#   EGRESS_IF_INET6     is there where the kernel has IPv6 [/proc/net/if_inet6]
#
# Exit codes: 0 written and read back, 1 anything else.
set -u
LC_ALL=C
nl='
'
four='' six='' policy='' count_four=0 count_six=0

die() {
  printf 'egress: %s; no runner starts\n' "$1" >&2
  exit 1
}

# $1: 4 or 6, $2: what an OUTPUT rule of that family matches and does
add() {
  if [ "$1" = 4 ]; then
    four="$four-A OUTPUT $2$nl" count_four=$((count_four + 1))
  else
    six="$six-A OUTPUT $2$nl" count_six=$((count_six + 1))
  fi
}

# $1: accept or reject, $2: 4 or 6. REJECT answers at once: a step that waits for a time-out says less of its cause.
jump() {
  case $1$2 in
    accept?) printf 'ACCEPT' ;;
    reject4) printf 'REJECT --reject-with icmp-admin-prohibited' ;;
    reject6) printf 'REJECT --reject-with icmp6-adm-prohibited' ;;
  esac
}

# $1: accept or reject, $2: address, with bits or without, $3: ports or *
add_address() {
  case $2 in *:*) family=6 ;; *) family=4 ;; esac
  if [ "$3" = '*' ]; then
    add "$family" "-d $2 -j $(jump "$1" "$family")"
  else
    for protocol in tcp udp; do
      add "$family" "-d $2 -p $protocol -m multiport --dports $3 -j $(jump "$1" "$family")"
    done
  fi
}

# $1: accept or reject, $2: host, $3: ports or *. A name without an address would leave a hole, or a wall, unseen.
add_host() {
  addresses=$(getent ahosts "$2" 2>/dev/null) || addresses=$(getent hosts "$2") || addresses=
  addresses=$(printf '%s\n' "$addresses" | cut -d ' ' -f 1 | sort -u)
  [ -n "$addresses" ] || die "no address of $2 is known; name an address, or mend the resolver"
  for address in $addresses; do add_address "$1" "$address" "$3"; done
}

# $@: the words of a line
read_rule() {
  [ -z "$policy" ] || die "'default' must be the last line"
  case $# in
    2) [ "$1" = default ] || die "a line must have three words, got '$*'" ;;
    3) ;;
    *) die "a line must have three words, got '$*'" ;;
  esac
  if [ $# -eq 2 ]; then
    case $2 in accept | reject) policy=$2 ;; *) die "default must be accept or reject, got '$2'" ;; esac
    return
  fi
  case $1 in accept | reject) ;; *) die "a rule must accept or reject, got '$1'" ;; esac
  case $3 in
    '*') ;;
    *[!0-9,]* | ,* | *, | *,,*) die "ports must be numbers with commas between them, or *, got '$3'" ;;
  esac
  case $2 in
    *[!0-9A-Za-z.:/-]* | -* | *//*) die "a rule must be for an address or a host, got '$2'" ;;
    *:*) add_address "$@" ;;
    *[!0-9./]*) add_host "$@" ;;
    *) add_address "$@" ;;
  esac
}

# $1: program, $2: its rules, $3: their number. The whole table is one transaction, and takes the place of what was there.
write() {
  chain_policy=ACCEPT
  [ "$policy" = accept ] || chain_policy=DROP
  printf '*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT %s [0:0]\n%sCOMMIT\n' "$chain_policy" "$2" |
    "$1-restore" || die "$1-restore refused the rules"
  written=$("$1" -S OUTPUT) || die "$1 does not show the rules"
  case $nl$written$nl in *"$nl-P OUTPUT $chain_policy$nl"*) ;; *) die "$1 shows another policy than $chain_policy" ;; esac
  found=$(printf '%s\n' "$written" | grep -c '^-A OUTPUT ')
  [ "$found" -eq "$3" ] || die "$1 shows $found rules, wrote $3"
}

if [ $# -ne 1 ] || [ ! -r "$1" ]; then die "the file of rules cannot be read"; fi
for family in 4 6; do add $family '-o lo -j ACCEPT'; done
# What finds routers (133) and neighbours (135, 136), and joins their groups (143): without these there is no IPv6. Not echo
# and the rest, which carry what one likes to whom one likes.
for type in 133 135 136 143; do add 6 "-p ipv6-icmp -m icmp6 --icmpv6-type $type -j ACCEPT"; done
while read -r word address _; do
  # A link-local address may have its interface behind it.
  [ "$word" != nameserver ] || add_address accept "${address%%%*}" 53
done <"${EGRESS_RESOLV_CONF:-/etc/resolv.conf}" || die "the resolvers cannot be read"
set -f
while read -r line; do
  # shellcheck disable=SC2086 # into words
  [ -z "$line" ] || read_rule $line
done <"$1"
[ -n "$policy" ] || die "the rules end without a default"
for family in 4 6; do
  [ "$policy" = accept ] || add $family "-j $(jump reject $family)"
done

write iptables "$four" "$count_four"
if [ -e "${EGRESS_IF_INET6:-/proc/net/if_inet6}" ]; then
  write ip6tables "$six" "$count_six"
fi
printf 'egress: %s rules, then %s\n' "$((count_four + count_six))" "$policy"
