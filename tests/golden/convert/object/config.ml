open Mirage

type clocked = Clocked

let clocked = typ Clocked

let clocked_conf () =
  let packages = [ package "clocked" ] in
  impl
  @@ object
       inherit base_configurable
       method ty = time @-> stackv4v6 @-> clocked
       method module_name = "Clocked.Make"
       method! packages = Key.pure packages
       method name = "clocked"
     end

let clocked_impl time stackv4v6 = clocked_conf () $ time $ stackv4v6
let stack = generic_stackv4v6 default_network

let () =
  register "clock"
    [ foreign "Unikernel.Main" (clocked @-> job) $ clocked_impl default_time stack ]
