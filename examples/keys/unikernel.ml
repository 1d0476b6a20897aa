module Main (Host : Language.WORDS) (Guest : Language.WORDS) (Between : Interpreter.S) = struct
  let say who words = Logs.info (fun m -> m "%s: %s" who words)

  let start () () () =
    Between.introduce ();
    say "guest" Guest.hello;
    say "host" Host.hello;
    say "host" Host.goodbye;
    say "guest" Guest.goodbye;
    Lwt.return_unit
end
