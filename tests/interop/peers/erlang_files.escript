#!/usr/bin/env escript
%% A client of files on Erlang's ssh application.
%%     erlang_files.escript PORT USER USER_DIR VERSION put LOCAL REMOTE
%%     erlang_files.escript PORT USER USER_DIR VERSION get REMOTE LOCAL    a tree
%%     erlang_files.escript PORT USER USER_DIR VERSION check FOLDER        what the library can do, and what came of it on the disk
%% USER_DIR has the key and known_hosts.
-mode(compile).
-include_lib("kernel/include/file.hrl").
-export([main/1]).

main([Port, User, UserDir, Version | What]) ->
    {ok, _} = application:ensure_all_started(ssh),
    {ok, Conn} = ssh:connect({127, 0, 0, 1}, list_to_integer(Port),
                             [{user, User}, {user_dir, UserDir}, {user_interaction, false}, {auth_methods, "publickey"},
                              {nodelay, true}]),
    {ok, Sftp} = ssh_sftp:start_channel(Conn, [{sftp_vsn, list_to_integer(Version)}]),
    do(What, Sftp),
    ok = ssh_sftp:stop_channel(Sftp),
    ok = ssh:close(Conn).

do(["put", Source, Target], Sftp) ->
    copy_tree(disk, Sftp, Source, Target);
do(["get", Source, Target], Sftp) ->
    copy_tree(Sftp, disk, Source, Target);
do(["check", Folder], Sftp) ->
    check_file(Sftp, filename:join(Folder, "file")),
    check_names(Sftp, Folder).

%% One end of a copy is the disk, or a server. Content, links, permissions and times.
copy_tree(From, To, Source, Target) ->
    {ok, #file_info{type = Type} = Info} = call(From, read_link_info, [Source]),
    copy_entry(Type, From, To, Source, Target),
    [ok = call(To, write_file_info, [Target, #file_info{mode = Info#file_info.mode band 8#777, atime = Info#file_info.atime,
                                                        mtime = Info#file_info.mtime}]) || Type =/= symlink].

copy_entry(symlink, From, To, Source, Target) ->
    {ok, Text} = call(From, read_link, [Source]),
    ok = call(To, make_symlink, [Text, Target]);
copy_entry(directory, From, To, Source, Target) ->
    ok = call(To, make_dir, [Target]),
    {ok, Names} = call(From, list_dir, [Source]),
    [copy_tree(From, To, Source ++ "/" ++ Name, Target ++ "/" ++ Name) || Name <- Names, Name =/= ".", Name =/= ".."];
copy_entry(regular, From, To, Source, Target) ->
    {ok, Data} = call(From, read_file, [Source]),
    ok = call(To, write_file, [Target, Data]).

%% The disk's link comes first; a server's has the name of the link last as well.
call(disk, read_link_info, [Name]) ->
    file:read_link_info(Name, [{time, local}]);
call(disk, Function, Arguments) ->
    apply(file, Function, Arguments);
call(Sftp, make_symlink, [Text, Name]) ->
    ssh_sftp:make_symlink(Sftp, Name, Text);
call(Sftp, Function, Arguments) ->
    apply(ssh_sftp, Function, [Sftp | Arguments]).

%% Many requests at once, answered as they come; positions; the end of a file.
check_file(Sftp, Name) ->
    Data = crypto:strong_rand_bytes(3000001),
    ok = ssh_sftp:write_file(Sftp, Name, <<>>),
    {ok, File} = ssh_sftp:open(Sftp, Name, [write, read, binary]),
    Blocks = lists:seq(0, byte_size(Data) - 1, 30000),
    Ids = [begin
               {async, Id} = ssh_sftp:apwrite(Sftp, File, At, part(Data, At, 30000)),
               Id
           end || At <- Blocks],
    [receive {async_reply, Id, ok} -> ok after 20000 -> error(no_reply) end || Id <- Ids],
    Reads = [begin
                 {async, Id} = ssh_sftp:apread(Sftp, File, At, 30000),
                 {Id, At}
             end || At <- Blocks],
    [receive {async_reply, Id, {ok, Found}} -> Found = part(Data, At, 30000) after 20000 -> error(no_reply) end || {Id, At} <- Reads],
    {ok, 3000000} = ssh_sftp:position(Sftp, File, {bof, 3000000}),
    {ok, Last} = ssh_sftp:read(Sftp, File, 10),
    Last = part(Data, 3000000, 1),
    eof = ssh_sftp:read(Sftp, File, 10),
    ok = ssh_sftp:close(Sftp, File),
    {ok, Data} = file:read_file(Name).

part(Data, At, Length) ->
    binary:part(Data, At, min(Length, byte_size(Data) - At)).

check_names(Sftp, Folder) ->
    File = filename:join(Folder, "file"),
    Link = filename:join(Folder, "link"),
    Moved = filename:join(Folder, "moved"),
    ok = ssh_sftp:make_symlink(Sftp, Link, "file"),
    {ok, "file"} = file:read_link(Link),
    {ok, "file"} = ssh_sftp:read_link(Sftp, Link),
    {ok, #file_info{type = symlink}} = ssh_sftp:read_link_info(Sftp, Link),
    ok = ssh_sftp:rename(Sftp, File, Moved),
    {error, Missing} = ssh_sftp:read_file_info(Sftp, File),
    no_such_file = Missing,
    Time = {{2001, 9, 9}, {1, 46, 40}},
    ok = ssh_sftp:write_file_info(Sftp, Moved, #file_info{mode = 8#640, atime = Time, mtime = Time}),
    {ok, #file_info{mode = Mode, mtime = Time, size = 3000001}} = file:read_file_info(Moved),
    8#640 = Mode band 8#777,
    {ok, #file_info{size = 3000001, type = regular, mtime = Time}} = ssh_sftp:read_file_info(Sftp, Moved),
    {ok, [{Folder, _}]} = ssh_sftp:real_path(Sftp, Folder ++ "/x/../."),
    New = filename:join(Folder, "new"),
    ok = ssh_sftp:make_dir(Sftp, New),
    ok = ssh_sftp:del_dir(Sftp, New),
    ok = ssh_sftp:delete(Sftp, Link),
    {ok, Names} = ssh_sftp:list_dir(Sftp, Folder),
    ["moved"] = Names -- [".", ".."].
