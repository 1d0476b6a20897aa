open X509

let ( let* ) = Result.bind
let days = 30

(** A new key, and a certificate for the host that is signed with this key itself: browsers will warn of it. *)
let self_signed host =
  let key = Private_key.generate `P256 in
  let name = [ Distinguished_name.(Relative_distinguished_name.singleton (CN host)) ] in
  let valid_from = Mirage_ptime.now () in
  let valid_until = Option.get (Ptime.add_span valid_from (Ptime.Span.v (days, 0L))) in
  let extensions = Extension.(singleton Subject_alt_name (false, General_name.(singleton DNS [ host ]))) in
  let* request = Signing_request.create name key in
  match Signing_request.sign request ~valid_from ~valid_until ~extensions key name with
  | Ok certificate -> Ok (`Single ([ certificate ], key))
  | Error error -> Error (`Msg (Fmt.to_to_string Validation.pp_signature_error error))
