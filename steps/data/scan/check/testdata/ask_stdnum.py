# Writes numbers with python-stdnum's word on them.
import random, importlib, sys, string
random.seed(7)
D='0123456789'; L=string.ascii_uppercase
def ymd(y2=True):
    y=random.randint(1940,2005); m=random.randint(1,12); d=random.randint(1,28)
    return y,m,d
def fill(t):
    # 9 digit, A letter, {ymd} etc.
    y,m,d=ymd()
    t=t.replace('{yymmdd}','%02d%02d%02d'%(y%100,m,d)).replace('{ddmmyy}','%02d%02d%02d'%(d,m,y%100)).replace('{yyyymmdd}','%04d%02d%02d'%(y,m,d)).replace('{ddmmyyy}','%02d%02d%03d'%(d,m,y%1000))
    return t
def rnd(t):
    out=''
    for c in fill(t):
        if c=='#': out+=random.choice(D)
        elif c=='@': out+=random.choice(L)
        elif c=='*': out+=random.choice(D+L)
        else: out+=c
    return out
T=[ # name, module, template
('SSN','us.ssn','#########'),('ITIN','us.itin','9########'),('EIN','us.ein','#########'),('ABA','us.rtn','0########'),
('SIN','ca.sin','#########'),('CPF','br.cpf','###########'),('CNPJ','br.cnpj','##############'),('RUT','cl.rut','########?'),
('CURP','mx.curp','BOXW{yymmdd}HDFRRN0?'),('CUIT','ar.cuit','20########?'),('NIT','co.nit','#########?'),('CedulaEC','ec.ci','17########'),
('RUC','pe.ruc','20#########'),('CedulaDO','do.cedula','001########'),('CedulaUY',None,''),
('NHS','gb.nhs','##########'),('UTR','gb.utr','##########'),('SteuerID','de.idnr',None),('NIR','fr.nir','1{yy}'),
('SIREN','fr.siren','#########'),('SIRET','fr.siret','##############'),('SPI','fr.nif','0############'),('DNI','es.dni','########?'),('NIE','es.nie','X#######?'),('CIF','es.cif','A########'),
('FiscalCode','it.codicefiscale',None),('PartitaIVA','it.iva','0####### ###'),('PESEL','pl.pesel','{yymmdd}#####'),('NIP','pl.nip','##########'),('REGON','pl.regon','#########'),
('BSN','nl.bsn','#########'),('NationalBE','be.nn','{yymmdd}#####'),('AHV','ch.ssn','756##########'),('UID','ch.uid','CHE#########'),('SVNR','at.vnr','####{ddmmyy}'),
('CNP','ro.cnp','1{yymmdd}12####'),('Personnummer','se.personnummer','{yymmdd}####'),('Fodselsnummer','no.fodselsnummer','{ddmmyy}#####'),
('Kennitala','is_.kennitala','{ddmmyy}##?9'),('OIB','hr.oib','###########'),('EGN','bg.egn','{yymmdd}####'),('JMBG','rs.pib',None),('TCKN','tr.tckimlik','###########'),
('AMKA','gr.amka','{ddmmyy}#####'),('AFM','gr.vat','#########'),('NIFPT','pt.nif','2########'),('CitizenCardPT','pt.cc','########?ZZ?'),('RodneCislo','cz.rc','{yymmdd}####'),
('PPSN','ie.pps','#######@'),('Isikukood','ee.ik','3{yymmdd}####'),('PersonasKods','lv.pvn','{ddmmyy}1####'),('RNTRC','ua.rntrc','2#########'),('INN','ru.inn','############'),
('Aadhaar','in_.aadhaar','############'),('PAN','in_.pan','@@@P@####@'),('EPIC','in_.epic','@@@#######'),('GSTIN','in_.gstin','27AAPFU####F1Z*'),
('TFN','au.tfn','#########'),('ABN','au.abn','###########'),('ACN','au.acn','#########'),('IRD','nz.ird','0########'),('RRN','kr.rrn','{yymmdd}#######'),
('ResidentCN','cn.ric','110101{yyyymmdd}####'),('TNIN','th.pin','1############'),('IsraelID','il.idnr','#########'),('SouthAfricaID','za.idnr','{yymmdd}####08#'),
('MyKad','my.nric','{yymmdd}######'),('Card',None,''),('IBAN',None,''),('IMEI','imei','35#############'),('ISIN','isin','US##########'),('LEI','lei','5493##############??'),
('CNIC','pk.cnic','3############'),('NationalEG','eg.tn',None),('NationalTW','tw.ubn',None),('HETU','fi.hetu',None),('Medicare',None,''),('RFC',None,''),('VIN',None,''),('BIC','bic','@@@@DE##'),
]
out=[]
def valid(mod,s):
    try: return mod.is_valid(s)
    except Exception: return None
def emit(name,mod,gen,n=12,tries=400000):
    got=0
    for _ in range(tries):
        s=gen()
        if valid(mod,s):
            out.append((name,'valid',s)); got+=1
            # a neighbour
            i=random.randrange(len(s)); t=s[:i]+(random.choice(D) if s[i] in D else random.choice(L))+s[i+1:]
            v=valid(mod,t)
            if v is not None and t!=s: out.append((name,'valid' if v else 'invalid',t))
            if got>=n: break
    print(name,got,file=sys.stderr)
def special(name):
    if name=='NIR':
        def g():
            b='%d%02d%02d%02d%03d%03d'%(random.choice([1,2]),random.randint(0,99),random.randint(1,12),random.randint(1,95),random.randint(1,900),random.randint(1,999))
            return b+'%02d'%(97-int(b)%97 if random.random()<.8 else random.randint(0,97))
        return g
    if name=='SteuerID':
        def g():
            ds=random.sample(D,9); ds.insert(random.randrange(10),random.choice(ds)); 
            s=''.join(ds); return ('1'+s[1:] if s[0]=='0' else s)+random.choice(D)
        return g
    if name=='FiscalCode':
        return lambda: rnd('RCCMNL')+'%02d%s%02d'%(random.randint(30,99),random.choice('ABCDEHLMPRST'),random.choice([0,40])+random.randint(1,28))+'H501'+random.choice(L)
    if name=='HETU':
        return lambda: rnd('{ddmmyy}')+'-'+'%03d'%random.randint(2,899)+random.choice('0123456789ABCDEFHJKLMNPRSTUVWXY')
    if name=='NationalEG':
        return None
    return None
for name,m,t in T:
    if m is None: continue
    try: mod=importlib.import_module('stdnum.'+m)
    except Exception as e: print('no',m,e,file=sys.stderr); continue
    g=special(name)
    if g is None:
        if not t: continue
        if '?' in t:
            alphabet=D+('K' if name=='RUT' else L if name in('DNI','NIE') else '')
            if name in('DNI','NIE'): alphabet=L
            g=lambda t=t,a=alphabet:''.join(random.choice(a) if c=='?' else c for c in rnd(t))
        else: g=lambda t=t:rnd(t.replace(' ',''))
    emit(name,mod,g)
import stdnum.iban, stdnum.luhn
from faker import Faker
fk=Faker(['de_DE','en_GB','fr_FR','it_IT','nl_NL','es_ES']); Faker.seed(7)
for _ in range(40):
    s=fk.iban(); out.append(('IBAN','valid' if valid(stdnum.iban,s) else 'invalid',s)) if not s.startswith('ES') or valid(stdnum.iban,s) else None
    t=list(s); i=random.randrange(4,len(s)); t[i]=random.choice(D) if t[i] in D else random.choice(L); t=''.join(t)
    if t!=s: out.append(('IBAN','invalid',t))
f2=Faker('en_US')
for _ in range(60):
    s=f2.credit_card_number(); out.append(('Card','valid',s))
    i=random.randrange(6,len(s)); t=s[:i]+random.choice(D)+s[i+1:]
    if t!=s: out.append(('Card','invalid',t))
import stdnum.eu.vat as vat
for c,t in [('AT','U########'),('BE','0#########'),('DE','#########'),('DK','########'),('EE','#########'),('EL','#########'),('ES','B########'),('FI','########'),
            ('FR','###########'),('HU','########'),('IT','0##########'),('LU','########'),('MT','########'),('NL','#########B01'),('PL','##########'),('PT','5########'),
            ('RO','########'),('SE','##########01'),('SI','########'),('SK','2#########'),('HR','###########')]:
    emit('VAT',vat,lambda c=c,t=t:rnd(c)+rnd(t),4)
from stdnum.mx import rfc
def g(): 
    return rnd('GODE{yymmdd}**')+random.choice(D+'A')
emit('RFC',rfc,g)
from stdnum.uy import rut as _
print('\n'.join(' '.join(x) for x in sorted(set(out))))
