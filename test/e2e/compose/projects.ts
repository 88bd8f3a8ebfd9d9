import { tiny } from '../harness/image.ts'

/** Files of a project, by name. */
export type Project = Readonly<Record<string, string>>

/** A shop with everything between its services that compose knows on a single host. */
export const shop: Project = {
  'inc/compose.yml': `
services:
  included: { image: ${tiny}, command: sleep 600, network_mode: host, stop_grace_period: 0s }
`,
  'base.yml': `
services:
  base: { image: ${tiny}, init: true, stop_grace_period: 0s, environment: [INHERITED=yes] }
`,
  'web/page': 'a page\n',
  'web/password': 'a secret\n',
  'web.env': 'FROM_FILE=yes\nQUOTED="a b"\n',
  'compose.yml': `
name: shop
include: [inc/compose.yml]
x-common: &common { image: ${tiny}, init: true, stop_grace_period: 0s }
services:
  store:
    <<: *common
    command: sh -c 'echo kept >> /data/log && touch /tmp/ready && exec httpd -f -p 80 -h /data'
    volumes: ["data:/data", "./web:/web:ro", { type: bind, source: ./made, target: /made, bind: { create_host_path: true } }, { type: volume, target: /anonymous }]
    networks: { back: { aliases: [database] } }
    healthcheck: { test: ["CMD", "test", "-e", "/tmp/ready"], interval: 200ms, timeout: 5s, retries: 50, start_period: 1s }
  migrate:
    image: ${tiny}
    command: echo migrated
    depends_on: { store: { condition: service_healthy, restart: true } }
    networks: [back]
  web:
    <<: *common
    command: sh -c 'wget -qO /index.html http://database/log && exec httpd -f -p 8080 -h /'
    depends_on: { store: { condition: service_healthy }, migrate: { condition: service_completed_successfully } }
    environment: { ROLE: front }
    env_file: [web.env]
    networks: { back: {}, front: { ipv4_address: 10.77.0.5 } }
    ports: ["127.0.0.1:18080:8080", "8081"]
    restart: unless-stopped
    hostname: webby
    extra_hosts: ["elsewhere=192.0.2.7"]
    ulimits: { nofile: { soft: 100, hard: 200 } }
    sysctls: { net.ipv4.ip_unprivileged_port_start: "0" }
    shm_size: 1m
    volumes: [{ type: tmpfs, target: /scratch, tmpfs: { size: 1m, mode: 0700 } }]
    deploy: { resources: { limits: { memory: 64m, cpus: "0.5", pids: 50 }, reservations: { memory: 16m } } }
    configs: [{ source: page, target: /page }, inline]
    secrets: [password, { source: token, target: /run/token }]
    healthcheck: { test: wget -qO- http://127.0.0.1:8080/index.html, interval: 200ms, retries: 50 }
  probe:
    extends: { service: base, file: base.yml }
    command: sh -c 'until wget -qO- http://web:8080/index.html; do sleep 0.2; done; sleep 600'
    depends_on: [web]
    networks: [front]
    read_only: true
    tmpfs: [/run]
    deploy: { replicas: 2 }
  shared: { <<: *common, network_mode: "service:store", volumes_from: [store], command: sleep 600 }
  debug: { <<: *common, profiles: [debug], network_mode: none, pid: "service:store", command: sleep 600 }
volumes: { data: {} }
configs:
  page: { file: ./web/page }
  inline: { content: "of \${WORD:-a word}\\n" }
secrets:
  password: { file: ./web/password }
  token: { environment: TOKEN }
networks:
  front: { ipam: { config: [{ subnet: 10.77.0.0/24 }] } }
  back: { internal: true }
`,
}

/** Services that end, fail, and are never well. What fails comes after what runs: compose does not stop what it is yet to start. */
export const failing: Project = {
  'compose.yml': `
name: failing
x-common: &common { image: ${tiny}, stop_grace_period: 0s }
services:
  bad: { <<: *common, depends_on: [long], command: sh -c 'echo before; exit 3' }
  long: { <<: *common, command: sleep 600 }
  sick: { <<: *common, profiles: [sick], command: sleep 600, healthcheck: { test: "false", interval: 100ms, retries: 2 } }
  brief: { <<: *common, profiles: [brief], command: sh -c 'sleep 5; exit 5' }
  after: { <<: *common, profiles: [after], command: sleep 600, depends_on: { bad: { condition: service_completed_successfully } } }
`,
}

/** Built here, and built again when its files change. */
export const built: Project = {
  'src/file': 'one\n',
  Dockerfile: `FROM ${tiny} AS base\nARG WORD\nRUN echo $WORD > /word\nFROM base AS final\nCOPY src /src\nCMD ["sleep", "600"]\nFROM base AS unused\nRUN false\n`,
  'compose.yml': `
name: built
services:
  app:
    build: { context: ., target: final, args: { WORD: said }, labels: { made.by: compose } }
    stop_grace_period: 0s
    develop: { watch: [{ action: sync, path: ./src, target: /src }] }
`,
}
