let name = "example.org"

(* A zone file, as RFC 1035 has it. *)
let text =
  {|
$ORIGIN example.org.
$TTL 3600
@    SOA  ns hostmaster 1 86400 7200 1048576 3600
@    NS   ns
@    MX   10 mail
ns   A    10.0.0.2
mail A    10.0.0.3
www  A    10.0.0.4
www  AAAA 2001:db8::4
ftp  CNAME www
|}
