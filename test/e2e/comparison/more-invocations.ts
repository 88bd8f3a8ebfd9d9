/** Command lines as in invocations.ts, which run after those: templates, filters, mounts, and what is refused. */
export const moreInvocations: readonly string[] = String.raw`
create --name base --label kind=base --health-cmd true --health-start-period 9s tiny sleep 600
inspect --type container --size base --format '{{.SizeRw}}'
inspect base --format '{{range .Mounts}}x{{else}}none{{end}}'
inspect base --format '{{len .Args}} {{index .Args 0}} {{slice .Id 0 2 | len}}'
inspect base --format '{{printf "%q %5d|" .Name .State.ExitCode}}'
inspect base --format '{{if and (eq .State.Status "created") (not .State.Running)}}yes{{end}}'
inspect base --format '{{split .Name "a" | join "-"}}'
inspect base --format '{{lower "ABC"}} {{upper "abc"}} {{title "abc def"}} {{pad "x" 2 3}}| {{truncate "abcdef" 3}} {{println "x"}}'
inspect base --format '{{.Config.Labels.kind}} {{index .Config.Labels "none"}}'
inspect base --format '{{json .State.Health}}'
inspect base --format '{{'
inspect base --format '{{nofunction}}'
inspect base nothing base --format {{.Name}}
create --health-start-interval wrong tiny
create --health-timeout -1s tiny
create --pull wrong tiny
run --rm --pull never tiny echo here
run --rm --mount type=tmpfs,dst=/x,tmpfs-mode=1700 tiny stat -c %a /x
run --rm --mount type=tmpfs,dst=/x,tmpfs-mode=wrong tiny true
run --rm --mount type=tmpfs,dst=/x,tmpfs-size=-1 tiny true
run --rm --mount type=tmpfs,dst=/x,volume-label=a=b tiny true
run --rm --mount type=bind,src=/tmp,dst=/x,bind-propagation=wrong tiny true
run --rm --mount type=bind,src=/tmp,dst=/x,volume-nocopy tiny true
run --rm --mount type=bind,dst=/x tiny true
run --rm --mount type=bind,src=relative,dst=/x tiny true
run --rm --mount type=bind,src=/tmp,dst=/x,readonly,wrong=1 tiny true
run --rm --mount type=bind,src=/etc,dst=/x,readonly tiny touch /x/y
run --rm --mount type=bind,src=/tmp,dst=/x,bind-recursive=writable,readonly tiny true
run --rm --mount type=bind,src=/tmp,dst=/x,bind-recursive=wrong tiny true
run --rm --mount type=volume,src=sub,dst=/x tiny sh -c 'mkdir /x/inner && echo one > /x/inner/f'
run --rm --mount type=volume,src=sub,dst=relative tiny true
run --rm --mount src=sub,dst=/x tiny ls /x
run --rm --mount dst=/x tiny ls /x
run --rm --mount '' tiny true
run --rm --mount type=volume,dst=/x,dst tiny true
run --rm --mount type=volume,src=sub,dst=/x,volume-nocopy=maybe tiny true
run --rm --mount type=npipe,src=a,dst=/x tiny true
run --rm --mount type=cluster,src=a,dst=/x tiny true
run --rm --mount type=bind,src=/tmp,dst=/x --mount type=tmpfs,dst=/x tiny true
run -d --name p1 --label kind=a --label both --health-cmd true --health-interval 1h -p 127.0.0.1::80 tiny sleep 600
run -d --name p2 --label kind=b --restart always -v sub:/s --network none tiny sleep 600
run --name p3 tiny sh -c 'echo one; echo two; echo three; exit 4'
run --name p4 --label kind=a tiny true
ps -a --filter label=kind --format {{.Names}}
ps -a --filter label=kind=a --format {{.Names}}
ps -a --filter label=kind=a --filter label=both --format {{.Names}}
ps -a --filter exited=4 --format {{.Names}}
ps -a --filter exited=4 --filter exited=0 --format {{.Names}}
ps --filter health=starting --format {{.Names}}
ps --filter health=none --format {{.Names}}
ps --filter volume=sub --format {{.Names}}
ps --filter volume=/s --format {{.Names}}
ps --filter volume=none
ps --filter network=none --format {{.Names}}
ps --filter network=missing
ps --filter publish=80 --format {{.Names}}
ps --filter publish=80/udp --format {{.Names}}
ps --filter publish=wrong
ps --filter expose=80/tcp --format {{.Names}}
ps --filter expose=79-81 --format {{.Names}}
ps --filter isolation=default --format {{.Names}}
ps -a --filter is-task=true
ps -a --filter is-task=wrong
ps -a --filter since=p3 --format {{.Names}}
ps -a --filter before=p2 --format {{.Names}}
ps -a --filter id=zzz
ps -a --filter name=^p[12]$ --format {{.Names}}
ps -a --filter name=/p3 --format {{.Names}}
ps -a --filter name=[
ps -a --filter status=running --filter status=exited --format {{.Names}}
ps -a --filter ancestor=tiny:latest --filter name=p3 --format '{{.Names}} {{.State}}'
ps -n 2 --format {{.Names}}
ps -l --format {{.Names}}
ps -n -1 --format {{.Names}}
ps -a --format 'table {{.Names}}\t{{.Label "kind"}}'
ps -a --format 'table {{.Names}}\t{{.Mounts}}\t{{.Networks}}\t{{.LocalVolumes}}' --filter name=p
ps -a --format '{{.Nope}}'
ps -as --filter name=p4 --format '{{.Names}} {{.Size}}'
ps --format wrong
logs p3
logs --tail 1 p3
logs --tail 0 p3
logs --tail all p3
logs -n 2 p3
logs --tail -5 p3
logs --until wrong p3
logs --since 2999-01-01 p3
logs --until 1 p3
logs --details p3
logs --follow p3
logs p3 p4
wait p3 nothing
top p1 -o wrong
top p3
exec
exec p1
exec p3 true
exec p1 sh -c 'kill -9 $$'
exec -d p1 /no/such
exec --env-file /no/such p1 true
exec -e =x p1 true
exec -u 1:1 p1 id -g
exec -w relative p1 pwd
exec --detach-keys wrong p1 true
exec --privileged=maybe p1 true
exec p1 /not-executable
update --memory 4m p1
update --memory-swap -1 p1
update --cpus 0.5 --cpu-quota 100 p1
update --cpuset-cpus 99 p1
update --pids-limit 10 p1
update --restart on-failure:x p1
update --restart always p3
update --memory-reservation 1g --memory 512m p1
update p1 nothing --pids-limit 12
update
rename p1
rename p1 p2
rename p1 ''
rename p1 p1
rename p3 p3renamed
rename p3renamed p3
cp p1:/etc/group p2:/tmp
cp /no/such p1:/
cp - p1:/nothing
cp p1:/proc/1/nothing -
cp -L p1:/bin/sh -
start p1 nothing p2
stop nothing p1
stop --signal WRONG p1
stop -s 99 p1
stop -t wrong p1
restart --signal WRONG p1
restart p1 nothing
kill -s TERM p3
kill -s '' p1
pause p3
unpause p1
attach p3
attach p1 p2
rm p1 p4
rm -v p4
diff p1 p2
diff p3
port p1 81
port p1 80/udp
port p1 wrong/x/y
port p2
container ls --filter name=p3 --format {{.Names}} -a
container ls -aq --filter label=none
container prune -f --filter label=none
container prune -f --filter until=wrong
events --since 1 --until 2 --filter type=container
events --since 1 --until wrong
events --since wrong --until 2
events --since 1 --until 2 --filter type=wrong
events --since 1 --until 2 --filter label=a --filter container=p1 --filter image=tiny
events --since 1 --until 2 --filter plain
events --since 1h --filter event=rename --until 0s --format '{{.Actor.Attributes.oldName}} {{.Action}} {{.Type}}'
events --since 1h --filter event=health_status --until 0s
events --since 1h --filter event=exec_create --until 0s --format '{{.Action}}'
events --since 1h --filter container=p3 --until 0s --format '{{.Action}} {{.Actor.Attributes.exitCode}}'
system info --format '{{.NoSuch}}'
info wrong
version --format '{{.Client.Version}}'
version --format '{{.Server.Arch}} {{.Server.Experimental}}'
version --format '{{.Nope}}'
version --format json wrong
search --filter wrong=1 x
volume create ''
volume create a
volume create -d local --opt type=tmpfs --opt device=tmpfs withopts
volume create -d local --opt size=wrong other
volume create -o device=/no other
volume create -o type=none -o o=bind -o device=/no/such boundvol
run --rm -v boundvol:/x tiny true
volume create --label =x other
volume create one two
volume create '.dot'
volume create 'sp ace'
volume inspect withopts --format '{{json .Options}}'
volume inspect sub withopts --format {{.Name}}
volume inspect sub nothing --format {{.Name}}
volume ls --filter name=su -q
volume ls --filter dangling=false -q
volume prune -f --filter wrong=1
volume rm sub
volume rm sub nothing
image prune -f --filter label=none
image prune -f --filter until=1h
image prune -f --filter until=wrong
image prune -a -f --filter label=none
image ls --filter label=none
image ls --filter before=nothing
image ls --filter since=tiny
image ls --filter reference=ti* --format {{.Repository}}
image ls --digests --format '{{.Repository}} {{.Digest}}'
image ls -a --no-trunc --format {{.Tag}} tiny
image ls tiny:wrong
image ls --format 'table {{.Repository}}'
image inspect tiny --format '{{json .Config.Env}} {{json .Config.Volumes}} {{.Size | printf "%T"}}'
image inspect tiny --format '{{.Metadata.LastTagTime.IsZero}} {{.GraphDriver.Name}} {{.Variant}}.{{.Author}}'
image history tiny --quiet=false --format '{{.CreatedBy}} {{.Size}}' --human=false
image tag tiny localhost:1/a/b:c
image tag tiny 'a b'
image tag tiny sha256:x
image rm localhost:1/a/b
image rm localhost:1/a/b:c
image rm --no-prune nothing nothing2
image save nothing tiny -o /tmp/wrong/dir/x
commit -m msg -a me -c 'CMD ["x"]' p3 made:1
commit -c 'WRONG x' p3 made:2
commit p3 Wrong
commit -p=false p1 made:3
rmi made:1 made:3
rmi tiny
network inspect bridge --verbose --format '{{.Scope}}'
network ls --filter scope=wrong
network ls --filter id=zzz
network ls --filter dangling=true -q
network ls --no-trunc --filter name=none --format {{.Name}}
network create --label a=b --opt x=y labelled
network inspect labelled --format '{{json .Labels}} {{json .Options}}'
network ls --filter label=a=b --format {{.Name}}
network prune -f --filter label=none
network prune -f --filter until=wrong
network rm labelled labelled
network rm host none
network connect host p1
network connect none p1
network disconnect host p1
network disconnect -f bridge nothing
run --rm --network bridge --network-alias x tiny true
run --rm --network name=bridge,alias=x tiny true
run --rm --network name=bridge,wrong=x tiny true
run --rm --env-file /no/such tiny true
run --rm --label-file /no/such tiny true
run --rm --cidfile /tmp tiny true
run --rm -a wrong tiny true
run --rm -a stderr tiny sh -c 'echo out; echo err >&2'
run --rm -d -a stdout tiny true
run --rm --detach-keys x,y,wrong- tiny true
run --rm --cgroup-parent relative tiny true
run --rm --ipc shareable --shm-size 2m tiny stat -f -c %b /dev/shm
run --rm --ipc private --pid host tiny test -d /proc/1
run --rm --gpus all tiny true
run --rm --gpus wrong=x tiny true
run --rm --device-read-bps wrong tiny true
run --rm --device-read-bps /no/such:1mb tiny true
run --rm --device-write-iops /dev/null:x tiny true
run --rm --blkio-weight-device /dev/null:5 tiny true
run --rm --oom-kill-disable -m 64m tiny true
run --rm --pids-limit -2 tiny true
run --rm --init tiny cat /proc/1/comm
run --rm --init --pid host tiny true
run --rm --volumes-from p2:wrong tiny true
run --rm --volumes-from p2:ro tiny touch /s/x
run --rm --userns host tiny id -u
run --rm --uts host --hostname x tiny hostname
run --rm --ulimit core=wrong tiny true
run --rm --ulimit nproc=5:3 tiny true
run --rm --security-opt apparmor=nothing-such tiny true
run --rm --security-opt label=disable tiny true
run --rm --security-opt systempaths=unconfined tiny sh -c 'mount | grep -c /proc/kcore'
run --rm --security-opt seccomp= tiny true
run --rm --security-opt no-new-privileges=wrong tiny true
run --rm -p 127.0.0.1:80:80/sctp:x tiny true
run --rm -p [::1]:0:80 tiny true
run --rm --publish mode=host,target=80,published=0 tiny true
run --sig-proxy=wrong tiny true
rm -f p1 p2 p3 p4 base nothing
volume rm -f sub a withopts boundvol
`
  .trim()
  .split('\n')
