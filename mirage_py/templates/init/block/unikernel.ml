open Lwt.Infix

module Main (Disk : Mirage_block.S) = struct
  let check pp = function
    | Ok value -> Lwt.return value
    | Error error -> Format.kasprintf Lwt.fail_with "disk: %a" pp error

  (* The first eight bytes of the disk are the count; a new disk is all zeros. *)
  let start disk =
    Disk.get_info disk >>= fun info ->
    let sector = Cstruct.create info.Mirage_block.sector_size in
    Disk.read disk 0L [ sector ] >>= check Disk.pp_error >>= fun () ->
    let boots = Int64.succ (Cstruct.LE.get_uint64 sector 0) in
    Cstruct.LE.set_uint64 sector 0 boots;
    Disk.write disk 0L [ sector ] >>= check Disk.pp_write_error >|= fun () ->
    Logs.info (fun m -> m "boot number %Ld, on a disk of %Ld sectors" boots info.Mirage_block.size_sectors)
end
