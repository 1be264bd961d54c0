package scan

import (
	"slices"
	"strings"
	"testing"
)

// Lines as they stand in manuals, histories, recipes and pipelines of others; hosts and
// passwords are made up. Each holds the password behind the bar.
const passwordLines = `
mysql -uroot -proot <<MYSQL_SCRIPT | root
mysql -uroot -p123456 -D shop < /var/www/shop/all.sql | 123456
ssh -i "$SSH_KEY" "$SSH_USER@$SSH_HOST" "mysql -uroot -p'hdWQDjFXbG6UICE8' < $REMOTE_TMP" | hdWQDjFXbG6UICE8
docker exec -it mysql-container mysql -uroot -pmysecret | mysecret
docker exec -it mysql mysql -uroot -p123456 | 123456
docker exec shop-mysql mysqldump -uroot -pMaxMin2031! shop {{PIPE}} gzip > backup_$(date +%F).sql.gz | MaxMin2031!
gunzip < backup.sql.gz {{PIPE}} docker exec -i shop-mysql mysql -uroot -pMaxMin2031! shop | MaxMin2031!
mysql -h127.0.0.1 -uroot -pHat@2031#MySQL my_shop -e "SELECT ..." | Hat@2031#MySQL
  501  mysqladmin -u root -prosebud7 shutdown | rosebud7
: 1712345678:0;mysql -u app -pwinter_is_near app | winter_is_near
sudo -S /usr/local/bin/sshpass -p '!qaz3wsx' ssh -o UserKnownHostsFile=/dev/null root@host1 /etc/check.sh | !qaz3wsx
sshpass -p toor ssh -p 2225 \ | toor
    OUT=$(sshpass -p "PorcelainSrl1!" \ | PorcelainSrl1!
sshpass -p 'i_l1ke_h4ts!' ssh barry_adm@dmz1.example | i_l1ke_h4ts!
SCP="sshpass -p quiteaLongOne scp -q -o StrictHostKeyChecking=no -P 3043" | quiteaLongOne
docker exec -it guard-redis redis-cli -a redispwd | redispwd
[root@8f15ba95ca62 ~]# redis-cli -a foobared | foobared
    docker-compose exec redis redis-cli -a codegraph_redis | codegraph_redis
redis-cli -a Hat@2031#Redis GET "key" | Hat@2031#Redis
    command: valkey-server --requirepass opensesame | opensesame
--appendonly yes --requirepass 123456 \ | 123456
docker run -d --rm -p 6379:6379 --name config-redis redis:7 --requirepass 123456 | 123456
    docker run --name redis-auto -d -p 6379:6379 redis:7-alpine redis-server --requirepass 654321 | 654321
curl -u admin:admin http://$(hostname -f):8080/api/v1/clusters | admin
- **Info**: ` + "`curl -u admin:secure-admin-year-2031 http://localhost:8080/manage/info`" + ` | secure-admin-year-2031
$ curl -u admin:admin http://grid.lan.example:8080/api/status | admin
curl -u elastic:rosebud123 -X GET "https://localhost:9200" --insecure -H 'Content-Type: application/json' -d' | rosebud123
curl --user "jdoe:Tr0ub4dor" https://api.example.com | Tr0ub4dor
curl -s --proxy-user bob:builder77 -o /dev/null https://x.example | builder77
  node sys/create-admin.js --email user@domain.example --password sesame7 --role admin | sesame7
  --password Rosenw0rt! \ | Rosenw0rt!
result = invoke(["register", "--username", "alice", "--password", "sesame123"]) | sesame123
keytool -list -v -keystore ~/.android/debug.keystore -alias androiddebugkey -storepass android -keypass android | android
keytool -import -alias ca -keystore t.jks -storepass changeling \ | changeling
docker exec infra-openldap-1 ldapsearch -x -H ldap://localhost:1389 -D "cn=admin,dc=acme,dc=test" -w adminsesame | adminsesame
  -D "cn=admin,dc=acme,dc=example" -w x && ldapwhoami -D "cn=admin,dc=acme" -w hollyhock9 | hollyhock9
docker exec memo-mongo mongosh -u root -p 123456 --authenticationDatabase admin --quiet | 123456
docker exec -it sales-mongo mongosh -u admin -p rosebud123 --authenticationDatabase admin | rosebud123
$mongoCheck = docker exec -i foo-mongodb mongosh -u root -p "MongoHat2031!" --authenticationDatabase admin | MongoHat2031!
  mongosh -u root -p hatshop --authenticationDatabase admin | hatshop
sqlcmd -S localhost -d mydb -U sa -P 'Hat123' -Q "SELECT @@VERSION" | Hat123
docker exec src-sqlserver /opt/mssql-tools18/bin/sqlcmd -S localhost -U sa -P "Salt-123" -C -Q "SELECT 1" >nul 2>&1 | Salt-123
	& SQLCMD -S 192.0.2.133 -U sa -P Spark-Ot2031 -d $CommDatabaseName -I -b -i $script | Spark-Ot2031
	docker login -p jxE30mgWIRfujaUqvmpVX1dd/d+Sbpb/ -u ocdev ocdev.example.io | jxE30mgWIRfujaUqvmpVX1dd/d+Sbpb/
RUN docker login -u bob -p hunter22 registry.example.com && docker push registry.example.com/x | hunter22
az login --service-principal -u 0a1b2c3d -p Q8x~wordy.Sesame -t contoso.example | Q8x~wordy.Sesame
echo ok; az acr login -n reg -u bob -p swordfish1 | swordfish1
CMD ["redis-server", "--requirepass", "hollyhock"] | hollyhock
healthcheck: {test: ["CMD", "redis-cli", "-a", "hollyhock", "ping"]} | hollyhock
  args: [sh, -c, "mysql -u root -p\"hunter2\" -e 'select 1'"] | hunter2
rdesktop -u Administrator -p letmein123 192.0.2.111:3389 | letmein123
smbclient -U bob%hunter2 //files/share | hunter2
zip -P swordfish out.zip secret.txt && 7z a -pswordfish2 out.7z secret.txt | swordfish
openssl pkcs12 -in a.p12 -passin pass:rosebud9 -nodes | rosebud9
wget --user bob --password hunter2 https://files.example/x | hunter2
PGPASSWORD=postgresql psql -h postgres -U postgres -d shop -c " | postgresql
psql_host=db PGPASSWORD=hunter22 pg_dump shop | hunter22
docker run -e MYSQL_ROOT_PASSWORD=letmein -d mysql:8 | letmein
ConvertTo-SecureString "P@ssw0rd!9" -AsPlainText -Force | P@ssw0rd!9
You can connect with mysql -u root -pswordfish and then create the user. | swordfish
mosquitto_pub -h mq -u sensor -P m0n1tor -t x -m y | m0n1tor
sqlplus scott/tiger@orcl @run.sql | tiger
sqlplus -s app_owner/Wint3r#9@//db.example:1521/svc <<EOF | Wint3r#9
sqlplus scott/"P@ss/w0rd"@orcl | P@ss/w0rd
$ORACLE_HOME/bin/sqlplus system/rosebud9 | rosebud9
sqlldr userid=loader/rosebud control=a.ctl | rosebud
expdp system/manager12 DIRECTORY=d DUMPFILE=x.dmp | manager12
rman target sys/rosebud9@prod log=x.log -silent | rosebud9
htpasswd -b /etc/nginx/.htpasswd bob hunter2 | hunter2
RUN htpasswd -cb /etc/squid/passwd bob swordfish | swordfish
htpasswd -nbB admin "hollyhock" | hollyhock
htpasswd -bnBC 10 admin hunter22 >> /auth/htpasswd | hunter22
net user bob Passw0rd!9 /add | Passw0rd!9
net user guest rosebud /add /domain | rosebud
cmd.exe /c "net user helpdesk L3tmein! /add" | L3tmein!
net use Z: \\files\share Hunter2! /user:corp\bob | Hunter2!
net use \\files\share /user:corp\bob hunter22 | hunter22
echo "root:hunter2" {{PIPE}} chpasswd | hunter2
RUN useradd -m bob && echo 'bob:rosebud' {{PIPE}}chpasswd | rosebud
    echo root:toor42 {{PIPE}} sudo chpasswd | toor42
chpasswd <<< "bob:rosebud9" | rosebud9
echo hunter2 {{PIPE}} docker login -u bob --password-stdin registry.example | hunter2
echo 'hunter22' {{PIPE}} sudo -S apt-get update | hunter22
printf '%s' rosebud9 {{PIPE}} sudo -u x -S id | rosebud9
echo -n rosebud1 {{PIPE}} passwd --stdin bob | rosebud1
beanshooter serial 192.0.2.2 1090 "nc 192.0.2.1 4444 -e ash" --username admin --password admin | admin
`

func TestPasswordsOnCommandLines(t *testing.T) {
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.SplitSeq(strings.TrimSpace(passwordLines), "\n") {
		i := strings.LastIndex(line, " | ")
		text, want := strings.ReplaceAll(line[:i], "{{PIPE}}", "|"), line[i+3:]
		n++
		found := []string{}
		for _, sp := range s.Text([]byte(text)) {
			if sp.Type == "PASSWORD" || strings.HasPrefix(sp.Type, "SECRET") {
				found = append(found, text[sp.Start:sp.End])
			}
		}
		if !slices.Contains(found, want) {
			t.Errorf("%q: found %q, want %q", text, found, want)
		}
	}
	if n < 40 {
		t.Errorf("%d lines", n)
	}
}

// A command goes on over ends of lines that say so, and over a list of single words.
func TestPasswordsOverSeveralLines(t *testing.T) {
	for _, text := range []string{
		"az login --service-principal \\\n    --username \"$ID\" \\\n    -p hunter22 \\\n    --tenant x\n",
		"mysql \\\n  -h db \\\n  -uroot \\\n  -phunter22\n", "command:\n  - redis-server\n  - --requirepass\n  - hollyhock\n", "cmd = [\n  \"redis-cli\",\n  \"-a\",\n  \"hollyhock\",\n]\n",
		"bash -c '\nmysql -uroot -phunter22\n'\n", "az login `\n  -u bob `\n  -p hunter22\n",
	} {
		if got := typesIn(t, text); !slices.Contains(got, "PASSWORD") {
			t.Errorf("%q: found %v", text, got)
		}
	}
}

// Lines in which an option is another's, or stands for nothing yet.
const plainLines = `
mkdir -p build1/dir2
sqlplus / as sysdba
sqlplus /nolog @run.sql
sqlplus -s "$USER/$PASS@$DB"
sqlplus ${DB_USER}/${DB_PASS}@orcl
sqlplus username/password@connect_identifier
sqlplus user@db
sqlplus scripts/run.sql
run sqlplus and/or sqlldr as that user
expdp / DIRECTORY=d
htpasswd -c /etc/nginx/.htpasswd bob
htpasswd -nB admin
htpasswd -b "$FILE" "$USER" "$PASS"
htpasswd -b file user password
net user bob /delete
net user bob * /add
net user %1 %2 /add
net user administrator
The net user experience matters to us
net use Z: \\files\share /persistent:yes
net use Z: /delete
a net useful life of 10 years1 applies
echo "root:$PASS" {{PIPE}} chpasswd
echo "${user}:${pass}" {{PIPE}} sudo chpasswd
echo "$TOKEN" {{PIPE}} docker login -u bob --password-stdin
cat pw.txt {{PIPE}} docker login -u bob --password-stdin
echo hello123 {{PIPE}} tee -a x.log
echo deb1 http://x {{PIPE}} sudo tee -a /etc/apt/sources.list
echo hello123; cat x {{PIPE}} sudo -S id
echo hello123 {{PIPE}}{{PIPE}} sudo -S id
cp -p file1 file2
nc -p 8080 10.0.0.1
docker run -p 80:80 nginx
ssh -p 2222 bob@host1
mkdir -p $ROOTDIR
docker run --name mysql --rm -p 3306:3306 -d mysql:5.7
docker run --name mongo -p 27017:27017 mongo
docker run -d -p 6379:6379 --name redis redis:7
docker run --name mongo-1 -p 27017 mongo:7
mysql -uroot -p -e "CREATE DATABASE note_db"
mysqldump -uroot -p test > ~/mysql/bak/2019_08_04.sql
mysqldump -h 192.0.2.100 -uroot -p test1 > x.sql
mysql -uroot -p${dbpass} -e "drop database if exists web1;"
    mysql -uroot -p"${IZNIK_DB_PASSWORD}" -e "SHOW DATABASES;"
docker compose exec -T db mysql -uroot -p"$DB_ROOT_PASS" portfolio < database/changes/<file>.sql
mysql -h db -P3306 -u root -p
mysql -P 3306 -u root -p app1
mysqldump -u root -p zentao >zentao.bak
mysqldump -u root -p ProduccionDB > ~/backups/ProduccionDB_$(date +%Y%m%d).sql
  mysql -u"${DBUSER}" -p"${DBPASS}" "${DBNAME}" -e "${sql}" 2>/dev/null
	$(DC) exec mysql sh -c 'mysql -u$$MYSQL_USER -p$$MYSQL_PASSWORD $$MYSQL_DATABASE'
mysql --user USER --password PASSWORD nextcloud < /dmp
mysqldump --user root --password shop1 > x.sql
if ! sshpass -p ${REMOTE_PASSWD} ssh ${REMOTE_USER}@${REMOTE_IP} -p ${REMOTE_PORT} -q
sh "sshpass -p ${remote.password} ssh ${remote.user}@${remote.host} 'ls -lrt'"
node_token=$(sshpass -p "$MASTER_SSH_PASS" ssh $MASTER_USER@$MASTER_HOST -p $MASTER_PORT "cat /x")
sshpass -f pw.txt ssh -p 22 bob@host1
sshpass -e ssh -p 2201 bob@host1
  $DOCKER_BIN exec "${redis_cid}" redis-cli -a "${REDISPASS}" "$@"
redis-cli -a $REDIS_PASSWORD KEYS "*notification*"
'redis-cli -a "$$(cat /run/secrets/platform_redis_password)" ping',
    command: redis-server --appendonly yes --requirepass ${REDIS_PASSWORD}
  redis-server --dir $DATADIR --requirepass $(< $DATADIR/PASSWORD)
redis-cli -p 6379 -h redis1
curl -u admin:PASSWORD -G "https://x.example/api/v1/clusters/CLUSTERNAME/hosts"
curl -u admin: http://localhost:8100/mgmt/shared/declare
curl -u admin:$PASSWORD http://192.0.2.108:31112/system/functions
curl -u elastic:<PASSWORD> <HOST>:<PORT>/<INDEX>/_search -k
curl -u elastic:$(cat elastic-pass) --cacert ca.crt https://localhost:9200/
# -u provides username:password
curl -u user https://x.example/a1
curl -u username:password https://x.example
curl -U : --negotiate https://x.example
curl -H "Accept: a/b1" -d "p=1" -X POST https://x.example
    -P, --password PASSWORD          Password for authentication.
    -u, --user <user:password>  Server user and password
  -p, --password string   Password or access token1
  --password-stdin    Take the password from stdin
aws cognito-idp admin-set-user-password --username <replace> --password <replace> --permanent
python hashflog.py store --email your_email@example.com --password your_password
xcrun altool --upload-app --username "your-apple-id@example.com" --password "app-specific-password"
az ad app create --display-name "Principle" --password "$AAD_CLIENT_SECRET" --homepage "http://x"
airflow users create --username .... --password .... --firstname ....
const password = getArg('--password');
parser.add_argument("--password", "-p", help="the password", default=None)
parser.add_argument("--password", type=str, required=True)
.option('--password <password>', 'the password of the first user')
docker login -u ${USER} -p ${PASS}'
docker login -u $(oc whoami) -p $(oc whoami -t) default-route.example.fi
docker login -u AWS -p $(aws ecr get-login-password --region $AWS_REGION) $ECR_URI
'''docker login -u {username} -p {password} {docker_repo}'''.format(
echo "${DOCKER_TOKEN}" {{PIPE}} docker login -u 454212 --password-stdin
docker login -p {{TICK}}oc whoami -t{{TICK}} -e unused -u unused registry.example.com
docker login -u "$QUAY_USERNAME" -p "$QUAY_PASSWORD" quay.io
kubectl patch svc prometheus -n openfaas -p '{"spec": {"type": "NodePort"}}'
read -p "Password must be input, Please re-enter : " dbpass1
tar -C /x1 -p -xf y2.tar
cargo run --release -p particula_plugin2 --example standalone
claude -p "summarise page 12"
systemctl show -p ActiveState1 "$service"
wccf_rx_rest.py -p HTTPPORT1, --port=HTTPPORT2
az login --identity --username "$AZURE_CLIENT_ID" >/dev/null
az login --service-principal -u ${client_id} -p ${AZ_CLIENT_SECRET} --tenant ${tenant_id}
az group list -o table -p page2
oc login https://openshift.example:8443 -u bob
jarsigner -keystore ${KEY_STORE} -storepass ${KEY_STORE_PASSWORD} dist/delegate1.jar
keytool -import -keystore <filename> -storepass <password>
ldapsearch -x -w password -D "cn=admin,$DN" -H ldap://$IP -b "$DN"
ldapsearch -x -h ldap.example.com -b 'dc=example, dc=edu' uid=dennis1 mailhost
ldapadd -x -W -D cn=admin1 -f a2.ldif
docker exec -it mongodb mongosh -u admin -p password --authenticationDatabase admin
mongosh -u admin -p --authenticationDatabase admin1
mongosh -u givemejobs -p dev_password --eval "db.adminCommand('listDatabases')"
mongo --port 27017 -p
sqlcmd -S localhost -d <test_db> -i sql/tests/Phase3_7.sql
sqlcmd -S "$ENDPOINT" -d master -G -P "$TOKEN" -I -b -Q "x1"
sqlcmd -S your_server.example -U your_user -P your_password -d your_database
string connStr = "sqlcmd -S " + server + " -d " + database + " -U " + username + " -P " + password1;
PGPASSWORD=<your-password> pg_dump -h $PGHOST -U $PGUSER -d $DB_NAME -f x1.sql
PGPASSWORD=$(echo "$DATABASE_URL" {{PIPE}} sed 's1x') psql
PGPASSWORD="${PGPASSWORD:-app}"
docker exec -e PGPASSWORD="$preview_postgres_password" db1 psql -U x
openssl req -new -x509 -newkey rsa:4096 -keyout filename.key -out filename.cert -days 365
openssl pkcs12 -in a.p12 -passin env:P12 -passout file:/x/pass1
psql -h localhost -p 15432 -U harshit -d ads_db
iptables -A INPUT -p tcp --dport 22 -j ACCEPT
nmap -sV -p 1-65535 192.0.2.1
git log -p --author=bob1
git add -p src/a1.go
ps -p 12345 -u root
install -d -m 0755 -o mysql -p x1
sudo -u mysql mkdir -p /var/lib/mysql1
apt-get install -y mysql-client -p x1
useradd -m -p "$HASH" bob1
7z x -o/tmp/x1 a2.7z
unzip -p a1.zip b2.txt
adduser --disabled-password --gecos "" bob1
gpg --passphrase-fd 0 --pinentry-mode loopback x1
ansible-playbook --ask-become-pass site1.yml
systemd-cryptenroll --password path/to/luks2_block_device
ldapdomaindump -r -u domain\username -ppassword hostname
Use the -p option or --password flag to give a password1.
The --password option takes a string; --user takes a name.
the redis-cli -a option takes the password
pass --user and --password together with --host
2021-04-05 12:00:00 -0700 login from -p host1
 -p1 -p2 -a3 "-x" '-y'
net user growth was 5% up
wpa_passphrase SSID passphrase
`

func TestOptionsThatAreNoPasswords(t *testing.T) {
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.SplitSeq(strings.TrimSpace(plainLines), "\n") {
		text := strings.NewReplacer("{{PIPE}}", "|", "{{TICK}}", "`").Replace(line)
		n++
		for _, sp := range s.Text([]byte(text)) {
			if sp.Type == "PASSWORD" || strings.HasPrefix(sp.Type, "SECRET") {
				t.Errorf("%q: %s seen in %q", text, sp.Type, text[sp.Start:sp.End])
			}
		}
	}
	if n < 80 {
		t.Errorf("%d lines", n)
	}
}

// Whatever the text, the pass takes linear time: what grows with the square of it would
// outlast go test's own limit for this much.
func TestCommandsTakeLinearTime(t *testing.T) {
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, unit := range []string{" -a", "mysql -p", `"-p `, `'-p "`, `\"-x `, "- a\n", "- -a\n", "\\\n -p", " -p<", `"mysql \"-p`, " --password "} {
		s.Text([]byte(strings.Repeat(unit, 1<<20/len(unit))))
	}
}

// FuzzCommands holds the pass to spans that lie in the text, in order, and to what is found
// in a line being found behind other lines too.
func FuzzCommands(f *testing.F) {
	for line := range strings.SplitSeq(strings.TrimSpace(passwordLines)+plainLines, "\n") {
		f.Add([]byte(line))
	}
	s, err := New(Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r := run{s: s, b: text}
		r.commands(true)
		end := 0
		for _, sp := range r.out {
			if sp.Start < end || sp.End <= sp.Start || sp.End > len(text) || sp.Score < .5 || sp.Score > 1 {
				t.Fatalf("span %+v after %d of %d", sp, end, len(text))
			}
			end = sp.End
		}
		behind := run{s: s, b: append([]byte("first line\n\n"), text...)}
		behind.commands(true)
		if len(behind.out) != len(r.out) && len(text) < maxCommand {
			t.Fatalf("%d found alone, %d behind other lines", len(r.out), len(behind.out))
		}
	})
}
