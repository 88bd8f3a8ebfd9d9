import { tiny } from '../harness/image.ts'

/**
 * Command lines, in the order in which they run on a new engine that has the image. Words split at blanks; 'single quotes' keep
 * them together. What a line leaves is there for those after it.
 */
export const invocations: readonly string[] = `
version --format {{.Server.Os}}
ps
ps -a
ps -q
ps --format json
ps --filter wrong=1
ps --filter status=nonsense
ps --filter exited=x
ps --last 1
images
images -q --no-trunc=false nothing
images --filter dangling=true
images --filter dangling=maybe
images --filter wrong=1
images --format {{.Repository}}:{{.Tag}}
image ls nothing
image inspect nothing
image inspect ${tiny} --format {{.Os}}/{{.Architecture}}
image inspect ${tiny} --format {{.Config.Cmd}}
image inspect ${tiny} --format {{.RepoTags}}
image inspect ${tiny} --format '{{json .RootFS.Type}}'
image inspect ${tiny} nothing --format {{.Os}}
history ${tiny} --format {{.Comment}}
history nothing
tag ${tiny} other:1
tag ${tiny} Other:1
tag nothing other:2
tag ${tiny} other:1@sha256:0000000000000000000000000000000000000000000000000000000000000000
rmi nothing
rmi other:1
rmi -f nothing
inspect nothing
inspect --type container nothing
inspect --type image nothing
inspect --type volume nothing
inspect --type network nothing
inspect --type wrong nothing
inspect --type container ${tiny}
container inspect nothing
create --name made ${tiny} true
create --name made ${tiny} true
create --name -wrong ${tiny} true
create --name a/b ${tiny} true
create --name '' ${tiny} true
create localhost:1/no/such:image
inspect made --format {{.State.Status}}
inspect made --format '{{.Path}} {{.Args}}'
inspect made --format {{.HostConfig.NetworkMode}}
inspect made --format {{.HostConfig.RestartPolicy.Name}}
inspect made --format {{.HostConfig.LogConfig.Type}}
inspect made --format {{.Config.Hostname}}
inspect made --format {{.Config.Image}}
inspect made --format {{.Platform}}
inspect made --format {{.NoSuchField}}
inspect made --format '{{json .Mounts}}'
inspect made --format '{{json .HostConfig.Binds}}'
inspect made --format '{{json .HostConfig.PortBindings}}'
inspect made --format '{{json .HostConfig.Ulimits}}'
inspect made --format '{{json .HostConfig.MaskedPaths}}'
inspect made --format '{{json .HostConfig.ReadonlyPaths}}'
inspect made --format '{{json .Config.Env}}'
inspect made --format '{{json .Config.Labels}}'
inspect made --format '{{json .State.OOMKilled}} {{.State.ExitCode}} {{.State.Pid}} {{.State.StartedAt}}'
inspect made --format '{{range $k, $v := .NetworkSettings.Networks}}{{$k}}{{end}}'
ps -a --format '{{.Names}} {{.Image}} {{.Command}} {{.Status}} {{.Ports}}'
ps -a --filter name=made --format {{.Names}}
ps -a --filter name=^ma$ --format {{.Names}}
ps -a --filter status=created --format {{.Names}}
ps -a --filter ancestor=${tiny} --format {{.Names}}
ps -a --filter ancestor=nothing --format {{.Names}}
ps -a --filter before=nothing
ps -a --filter before=made --format {{.Names}}
ps -a --no-trunc --format {{.Command}}
logs made
logs nothing
top made
top nothing
stop made
stop nothing
kill made
kill nothing
pause made
unpause made
pause nothing
restart nothing
rename made renamed
rename renamed renamed
rename nothing other
rename renamed ''
rename renamed -x
wait nothing
port renamed
port renamed 80
port nothing
diff renamed
diff nothing
stats --no-stream nothing
exec renamed true
exec nothing true
exec -it renamed true
attach renamed
attach nothing
cp renamed:/nothing -
cp nothing:/x -
cp renamed:/etc/group -
export nothing
update renamed
update --memory 1k renamed
update --cpus 1000 renamed
update --restart wrong renamed
update --restart on-failure:2 renamed
update --memory 64m --memory-swap 32m renamed
update nothing --cpus 1
inspect renamed --format '{{json .HostConfig.RestartPolicy}}'
start renamed
start nothing
wait renamed
inspect renamed --format '{{.State.Status}} {{.State.ExitCode}}'
start -a renamed
rm renamed
rm renamed
rm -f renamed
run --rm ${tiny} echo hello
run --rm ${tiny} sh -c 'echo out; echo err >&2'
run --rm ${tiny} sh -c 'exit 3'
run --rm ${tiny} false
run --rm ${tiny} /no/such/program
run --rm ${tiny} /etc
run --rm ${tiny} /not-executable
run --rm --entrypoint '' ${tiny}
run --rm --entrypoint /bin/echo ${tiny} by entrypoint
run --rm -e A=b -e C ${tiny} sh -c 'echo $A$C'
run --rm -e =x ${tiny} true
run --rm -w /tmp ${tiny} pwd
run --rm -w relative ${tiny} pwd
run --rm -w /made/here ${tiny} pwd
run --rm -w /etc/passwd ${tiny} pwd
run --rm -u 12345 ${tiny} id -u
run --rm -u user500 ${tiny} whoami
run --rm -u nobody-here ${tiny} whoami
run --rm -u 1:nogroup-here ${tiny} whoami
run --rm -u 500:extra ${tiny} id -g
run --rm --group-add 77 ${tiny} id -G
run --rm -h named ${tiny} hostname
run --rm -h -x ${tiny} hostname
run --rm --domainname example.org -h a ${tiny} hostname -f
run --rm --read-only ${tiny} touch /x
run --rm --read-only --tmpfs /x ${tiny} touch /x/y
run --rm --tmpfs relative ${tiny} true
run --rm --tmpfs /x:wrong ${tiny} true
run --rm -v relative/path:/x ${tiny} true
run --rm -v /nothing/here:relative ${tiny} true
run --rm -v /tmp:/x:wrong ${tiny} true
run --rm -v /tmp:/ ${tiny} true
run --rm -v vol:/x:ro ${tiny} touch /x/y
run --rm -v /tmp:/x -v /proc:/x ${tiny} true
run --rm -v /x:/x:ro,rw ${tiny} true
run --rm --mount type=bind,src=/no/such/path,dst=/x ${tiny} true
run --rm --mount type=wrong,dst=/x ${tiny} true
run --rm --mount type=volume,src=a ${tiny} true
run --rm --mount type=tmpfs,src=a,dst=/x ${tiny} true
run --rm --mount type=tmpfs,dst=/x,tmpfs-size=1m ${tiny} sh -c 'df -k /x | tail -1 | tr -s \\  | cut -d\\  -f2'
run --rm -p wrong ${tiny} true
run --rm -p 99999:80 ${tiny} true
run --rm -p 1-3:1-2 ${tiny} true
run --rm -p 80/wrong ${tiny} true
run --rm -p 1.2.3:80:80 ${tiny} true
run --rm --expose wrong ${tiny} true
run --rm -m 1k ${tiny} true
run --rm -m wrong ${tiny} true
run --rm -m 64m --memory-swap 32m ${tiny} true
run --rm --memory-swap 64m ${tiny} true
run --rm -m 64m --memory-reservation 128m ${tiny} true
run --rm --memory-swappiness 200 ${tiny} true
run --rm --cpus 1000 ${tiny} true
run --rm --cpus -1 ${tiny} true
run --rm --cpus 0.5 --cpu-quota 1000 ${tiny} true
run --rm --cpu-period 1 ${tiny} true
run --rm --cpu-quota 1 ${tiny} true
run --rm -c 1 ${tiny} true
run --rm --cpuset-cpus 99 ${tiny} true
run --rm --cpuset-cpus wrong ${tiny} true
run --rm --cpuset-mems 99 ${tiny} true
run --rm --pids-limit 0 ${tiny} true
run --rm --blkio-weight 5 ${tiny} true
run --rm --oom-score-adj 2000 ${tiny} true
run --rm --shm-size 1m ${tiny} sh -c 'df -k /dev/shm | tail -1 | tr -s \\  | cut -d\\  -f2'
run --rm --shm-size wrong ${tiny} true
run --rm --shm-size -1 ${tiny} true
run --rm --ulimit nofile=100:200 ${tiny} sh -c 'ulimit -n; ulimit -Hn'
run --rm --ulimit nofile=200:100 ${tiny} true
run --rm --ulimit wrong=1 ${tiny} true
run --rm --ulimit nofile ${tiny} true
run --rm --sysctl net.ipv4.ip_forward=0 ${tiny} cat /proc/sys/net/ipv4/ip_forward
run --rm --sysctl wrong ${tiny} true
run --rm --sysctl kernel.hostname=x ${tiny} true
run --rm --net=host --sysctl net.ipv4.ip_forward=0 ${tiny} true
run --rm --cap-add WRONG ${tiny} true
run --rm --cap-drop ALL ${tiny} sh -c 'grep CapEff /proc/self/status'
run --rm --cap-drop ALL --cap-add CHOWN ${tiny} sh -c 'grep CapEff /proc/self/status'
run --rm --cap-add cap_net_admin ${tiny} sh -c 'grep CapEff /proc/self/status'
run --rm --security-opt wrong ${tiny} true
run --rm --security-opt seccomp=/no/such/file ${tiny} true
run --rm --security-opt no-new-privileges ${tiny} sh -c 'grep NoNewPrivs /proc/self/status'
run --rm --security-opt seccomp=unconfined ${tiny} sh -c 'grep Seccomp: /proc/self/status'
run --rm --security-opt a=b ${tiny} true
run --rm --device /no/such/device ${tiny} true
run --rm --device /dev/null:/dev/x:rwm ${tiny} test -c /dev/x
run --rm --device /dev/null:/dev/x:abc ${tiny} true
run --rm --device-cgroup-rule wrong ${tiny} true
run --rm --network nothing ${tiny} true
run --rm --network none ${tiny} sh -c 'ls /sys/class/net'
run --rm --network container:nothing ${tiny} true
run --rm --network host --hostname x ${tiny} hostname
run --rm --network host -p 80:80 ${tiny} true
run --rm --ip 1.2.3.4 ${tiny} true
run --rm --mac-address wrong ${tiny} true
run --rm --link nothing ${tiny} true
run --rm --dns wrong ${tiny} true
run --rm --dns 192.0.2.1 --dns-search example.org --dns-option ndots:3 ${tiny} cat /etc/resolv.conf
run --rm --add-host a:192.0.2.7 ${tiny} grep 192.0.2.7 /etc/hosts
run --rm --add-host wrong ${tiny} true
run --rm --add-host a:b ${tiny} true
run --rm --pid=wrong ${tiny} true
run --rm --pid=container:nothing ${tiny} true
run --rm --ipc=wrong ${tiny} true
run --rm --ipc=container:nothing ${tiny} true
run --rm --uts=wrong ${tiny} true
run --rm --userns=wrong ${tiny} true
run --rm --cgroupns=wrong ${tiny} true
run --rm --runtime=wrong ${tiny} true
run --rm --log-driver=wrong ${tiny} true
run --rm --log-opt wrong=1 ${tiny} true
run --rm --log-driver none ${tiny} echo unlogged
run --rm --restart=always ${tiny} true
run --restart=wrong ${tiny} true
run --restart=always:3 ${tiny} true
run --restart=on-failure:-1 ${tiny} true
run --rm --stop-signal WRONG ${tiny} true
run --rm --isolation=hyperv ${tiny} true
run --rm --platform wrong/arch/x/y ${tiny} true
run --rm --health-interval 1us ${tiny} true
run --rm --health-retries -1 ${tiny} true
run --rm --no-healthcheck --health-cmd true ${tiny} true
run --rm --storage-opt wrong=1 ${tiny} true
run --rm --volumes-from nothing ${tiny} true
run --rm -l a=b -l c ${tiny} true
run --rm --env-file /no/such/file ${tiny} true
run --rm --init ${tiny} sh -c 'cat /proc/1/comm'
run --rm -d --sig-proxy ${tiny} true
run --rm -i ${tiny} cat
run --rm -t ${tiny} sh -c 'test -t 1 && echo terminal'
run -d --rm --attach stdout ${tiny} true
run --rm --name -x ${tiny} true
run -d --name one --label kind=first -v data:/data ${tiny} sh -c 'echo started; trap "exit 5" TERM; sleep 600 & wait'
run -d --name one ${tiny} true
ps --format '{{.Names}} {{.Image}} {{.Labels}} {{.Mounts}} {{.Networks}}'
ps --filter label=kind=first --format {{.Names}}
ps --filter label=kind=other --format {{.Names}}
ps --filter volume=data --format {{.Names}}
ps --filter network=bridge --format {{.Names}}
ps --filter is-task=false --format {{.Names}}
inspect one --format '{{.State.Status}} {{.State.Running}} {{.State.Paused}} {{.State.Restarting}} {{.State.Dead}}'
inspect one --format '{{range .Mounts}}{{.Type}} {{.Name}} {{.Destination}} {{.Driver}} {{.Mode}} {{.RW}} {{.Propagation}}{{end}}'
inspect one --format '{{json .NetworkSettings.Ports}}'
exec one echo inside
exec one sh -c 'exit 9'
exec one /no/such/program
exec one /etc
exec -w /tmp one pwd
exec -w /nothing one pwd
exec -u 500 one whoami
exec -u nobody-here one whoami
exec -e X=y one sh -c 'echo $X'
exec -d one touch /tmp/by-exec
exec --privileged one sh -c 'grep -c CapEff /proc/self/status'
top one -o pid,comm wrong
top one -eo comm
rm one
rmi ${tiny}
rename one two
pause two
pause two
ps --filter status=paused --format {{.Status}}
exec two true
rm two
stop -t 1 two
unpause two
unpause two
kill -s WRONG two
kill -s 99 two
kill -s 0 two
kill -s CONT two
restart -t 1 two
exec two sleep 1
logs two
logs --tail 1 two
logs --tail wrong two
logs --since wrong two
logs --since 1h --until 30m two
logs --since 2020-01-01 --until 2037-01-01 two
cp two:/nothing /tmp
cp two:/etc/group -
diff two
stop -t 5 two
inspect two --format '{{.State.Status}} {{.State.ExitCode}}'
start two
rm -f two
rm -f two
volume ls
volume ls -q
volume ls --filter dangling=true -q
volume ls --filter wrong=1
volume inspect data --format '{{.Driver}} {{.Scope}} {{json .Labels}} {{json .Options}}'
volume inspect nothing
volume create a/b
volume create made
volume create made
volume create --driver wrong other
volume create -o wrong=1 other
volume create -o type=tmpfs other
volume create --label a=b labelled
volume ls --filter label=a -q
volume rm nothing
volume rm -f nothing
volume rm made
run -d --name user -v labelled:/x ${tiny} sleep 600
volume rm labelled
volume rm -f labelled
rm -fv user
volume inspect labelled --format {{.Name}}
volume prune -f --filter label=nothing
network ls --format '{{.Name}} {{.Driver}} {{.Scope}}'
network ls --filter driver=bridge --format {{.Name}}
network ls --filter wrong=1
network ls --filter type=wrong
network inspect nothing
network inspect bridge --format '{{.Name}} {{.Scope}} {{.Driver}} {{.Internal}} {{.Attachable}} {{.Ingress}}'
network inspect none --format '{{.Driver}} {{json .IPAM.Config}}'
network inspect host --format '{{.Driver}} {{json .Options}}'
network create bridge
network create made
network create made
network create --driver wrong other
network create --subnet wrong other
network create --subnet 10.99.0.0/16 --gateway 10.98.0.1 other
network create --subnet 10.99.0.0/24 ranged
network create --subnet 10.99.0.0/16 overlapping
network create --ip-range 10.99.1.0/24 other
network inspect ranged --format '{{json .IPAM.Config}}'
network rm nothing
network rm bridge
run -d --name member --network made ${tiny} sleep 600
network rm made
network connect made member
network connect ranged member
network connect nothing member
network connect made nothing
network connect --ip 10.99.0.300 ranged member
network disconnect ranged member
network disconnect ranged member
network disconnect nothing member
network connect --ip 10.99.0.77 ranged member
inspect member --format '{{.NetworkSettings.Networks.ranged.IPAddress}}'
run --rm --network ranged --ip 10.99.0.77 ${tiny} true
run --rm --network made --ip 10.99.0.78 ${tiny} true
rm -f member
network prune -f
network ls --format {{.Name}}
login wrong wrong
system df --format '{{.Type}} {{.TotalCount}} {{.Active}}'
system df wrong
events --since 1 --until 2
events --filter wrong=1 --until 1
info --format '{{.CgroupDriver}} {{.CgroupVersion}} {{.OSType}} {{.DefaultRuntime}} {{.LoggingDriver}}'
info --format '{{json .Plugins.Network}}'
container prune -f
container prune --filter wrong=1 -f
image prune -f
image prune --filter wrong=1 -f
swarm leave
node ls
service ls
stack ls
secret ls
config ls
plugin ls
plugin inspect nothing
checkpoint ls nothing
load -i /no/such/file
import /no/such/file
save nothing
commit nothing
push localhost:1/nothing
pull localhost:1/nothing
pull Wrong
search
`
  .trim()
  .split('\n')
