(* force IN.cmxa OUT.cmxa: the same library, each of its units linked whether or not another one imports it. *)
let () =
  let source = open_in_bin Sys.argv.(1) and target = open_out_bin Sys.argv.(2) in
  output_string target (really_input_string source (String.length Config.cmxa_magic_number));
  let infos : Cmx_format.library_infos = input_value source in
  let forced (unit, digest) = ({ unit with Cmx_format.ui_force_link = true }, digest) in
  output_value target { infos with Cmx_format.lib_units = List.map forced infos.Cmx_format.lib_units };
  close_out target
