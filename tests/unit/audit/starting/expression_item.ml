(* aborts *)
;; ignore (Sys.readdir ".")
