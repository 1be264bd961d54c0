package ner

// countries are the names of states as English texts write them; the model was
// taught the parts of addresses but not the countries they end in. Those that
// are words or names besides (Chad, Georgia, Jordan, Turkey) count too when
// they begin with a capital.
const countries = `afghanistan|albania|algeria|andorra|angola|antigua and barbuda|argentina|armenia|australia|austria|azerbaijan|bahamas|bahrain|
bangladesh|barbados|belarus|belgium|belize|benin|bhutan|bolivia|bosnia and herzegovina|botswana|brazil|brunei|bulgaria|burkina faso|burundi|
cambodia|cameroon|canada|cape verde|central african republic|chad|chile|china|colombia|comoros|congo|costa rica|croatia|cuba|cyprus|
czech republic|czechia|denmark|djibouti|dominica|dominican republic|ecuador|egypt|el salvador|equatorial guinea|eritrea|estonia|eswatini|
ethiopia|fiji|finland|france|gabon|gambia|georgia|germany|ghana|greece|greenland|grenada|guatemala|guinea|guyana|haiti|honduras|hong kong|hungary|
iceland|india|indonesia|iran|iraq|ireland|israel|italy|ivory coast|jamaica|japan|jordan|kazakhstan|kenya|kiribati|kosovo|kuwait|kyrgyzstan|laos|
latvia|lebanon|lesotho|liberia|libya|liechtenstein|lithuania|luxembourg|macau|madagascar|malawi|malaysia|maldives|mali|malta|mauritania|mauritius|
mexico|micronesia|moldova|monaco|mongolia|montenegro|morocco|mozambique|myanmar|namibia|nauru|nepal|netherlands|the netherlands|new zealand|nicaragua|niger|
nigeria|north korea|north macedonia|northern ireland|norway|oman|pakistan|palau|palestine|panama|papua new guinea|paraguay|peru|philippines|poland|
portugal|puerto rico|qatar|romania|russia|russian federation|rwanda|samoa|san marino|saudi arabia|scotland|senegal|serbia|seychelles|sierra leone|singapore|
slovakia|slovenia|solomon islands|somalia|south africa|south korea|south sudan|spain|sri lanka|sudan|suriname|sweden|switzerland|syria|
taiwan|tajikistan|tanzania|thailand|togo|tonga|trinidad and tobago|tunisia|turkey|turkmenistan|tuvalu|uganda|ukraine|united arab emirates|
united kingdom|united states|united states of america|uruguay|uzbekistan|vanuatu|vatican city|venezuela|vietnam|wales|england|yemen|zambia|zimbabwe|
deutschland|österreich|schweiz|italia|españa|polska|sverige|norge|danmark|suomi|nederland|belgique|české republiky|magyarország|usa|uk`

// companyWords end the names of organisations.
const companyWords = `inc|incorporated|ltd|limited|llc|llp|plc|gmbh|ag|kg|sa|sas|sarl|srl|spa|bv|nv|oy|ab|aps|corp|corporation|company|group|holdings|
partners|associates|bank|insurance|capital|solutions|technologies|systems|services|industries|investments|consulting|foundation|institute|university|
college|hospital|orchestra|club|agency|labs|software|networks|media|records|logistics|airlines|motors|pharmaceuticals|financial|enterprises`

// companyForms are those that are said of nothing but companies: the words
// before them are a name for certain.
const companyForms = `inc|incorporated|ltd|llc|llp|plc|gmbh|corp|corporation|sarl|srl|bv|aps`

// titles stand before names of persons.
const titles = `mr|mrs|ms|miss|dr|prof|professor|sir|madam|herr|frau|mme|mlle|señor|señora|sr|sra`

// units begin the part of an address that names a door or a box.
const units = `apt|apartment|suite|unit|box|floor|room|psc|apo|dpo|fpo|flat|building`
