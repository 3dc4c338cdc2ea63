"""Which country is meant by a code or an English name."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

_LONGEST = 64  # characters; more than that is a note, not a country

_TABLE = """\
AC ASC Ascension Island|Ascension
AD AND Andorra
AE ARE United Arab Emirates|UAE|Emirates
AF AFG Afghanistan
AG ATG Antigua and Barbuda|Antigua
AI AIA Anguilla
AL ALB Albania
AM ARM Armenia
AO AGO Angola
AQ ATA Antarctica
AR ARG Argentina
AS ASM American Samoa
AT AUT Austria
AU AUS Australia
AW ABW Aruba
AX ALA Aland Islands|Aland
AZ AZE Azerbaijan
BA BIH Bosnia and Herzegovina|Bosnia|Bosnia-Herzegovina
BB BRB Barbados
BD BGD Bangladesh
BE BEL Belgium
BF BFA Burkina Faso
BG BGR Bulgaria
BH BHR Bahrain
BI BDI Burundi
BJ BEN Benin
BL BLM Saint Barthelemy|St Barts
BM BMU Bermuda
BN BRN Brunei|Brunei Darussalam
BO BOL Bolivia|Bolivia, Plurinational State of|Plurinational State of Bolivia
BQ BES Caribbean Netherlands|Bonaire, Sint Eustatius and Saba|Bonaire
BR BRA Brazil
BS BHS Bahamas
BT BTN Bhutan
BV BVT Bouvet Island
BW BWA Botswana
BY BLR Belarus
BZ BLZ Belize
CA CAN Canada
CC CCK Cocos Islands|Cocos (Keeling) Islands|Keeling Islands
CD COD DR Congo|DRC|Democratic Republic of the Congo|Democratic Republic of Congo|\
Congo, Democratic Republic of the|Congo-Kinshasa
CF CAF Central African Republic
CG COG Congo|Republic of the Congo|Republic of Congo|Congo-Brazzaville
CH CHE Switzerland
CI CIV Ivory Coast|Cote d'Ivoire
CK COK Cook Islands
CL CHL Chile
CM CMR Cameroon
CN CHN China|People's Republic of China|PRC|PR China|Mainland China
CO COL Colombia
CR CRI Costa Rica
CU CUB Cuba
CV CPV Cape Verde|Cabo Verde
CW CUW Curacao
CX CXR Christmas Island
CY CYP Cyprus
CZ CZE Czechia|Czech Republic
DE DEU Germany|Federal Republic of Germany
DJ DJI Djibouti
DK DNK Denmark
DM DMA Dominica
DO DOM Dominican Republic
DZ DZA Algeria
EC ECU Ecuador
EE EST Estonia
EG EGY Egypt
EH ESH Western Sahara
ER ERI Eritrea
ES ESP Spain
ET ETH Ethiopia
FI FIN Finland
FJ FJI Fiji
FK FLK Falkland Islands|Falkland Islands (Malvinas)|Falklands
FM FSM Micronesia|Micronesia, Federated States of|Federated States of Micronesia
FO FRO Faroe Islands|Faroes
FR FRA France
GA GAB Gabon
GB GBR United Kingdom|UK|Great Britain|Britain|England|Scotland|Wales|Northern Ireland|\
United Kingdom of Great Britain and Northern Ireland
GD GRD Grenada
GE GEO Georgia
GF GUF French Guiana
GG GGY Guernsey
GH GHA Ghana
GI GIB Gibraltar
GL GRL Greenland
GM GMB Gambia
GN GIN Guinea
GP GLP Guadeloupe
GQ GNQ Equatorial Guinea
GR GRC Greece
GS SGS South Georgia and the South Sandwich Islands|South Georgia and South Sandwich Islands|\
South Georgia
GT GTM Guatemala
GU GUM Guam
GW GNB Guinea-Bissau
GY GUY Guyana
HK HKG Hong Kong|Hongkong|Hong Kong SAR|Hong Kong SAR China|Hong Kong, China
HM HMD Heard and McDonald Islands|Heard Island and McDonald Islands
HN HND Honduras
HR HRV Croatia
HT HTI Haiti
HU HUN Hungary
ID IDN Indonesia
IE IRL Ireland|Republic of Ireland|Eire
IL ISR Israel
IM IMN Isle of Man
IN IND India
IO IOT British Indian Ocean Territory
IQ IRQ Iraq
IR IRN Iran|Iran, Islamic Republic of|Islamic Republic of Iran
IS ISL Iceland
IT ITA Italy
JE JEY Jersey
JM JAM Jamaica
JO JOR Jordan
JP JPN Japan
KE KEN Kenya
KG KGZ Kyrgyzstan|Kyrgyz Republic
KH KHM Cambodia
KI KIR Kiribati
KM COM Comoros
KN KNA Saint Kitts and Nevis|St Kitts
KP PRK North Korea|DPRK|Democratic People's Republic of Korea|\
Korea, Democratic People's Republic of
KR KOR South Korea|Korea|Republic of Korea|Korea, Republic of|ROK
KW KWT Kuwait
KY CYM Cayman Islands
KZ KAZ Kazakhstan
LA LAO Laos|Lao PDR|Lao People's Democratic Republic
LB LBN Lebanon
LC LCA Saint Lucia
LI LIE Liechtenstein
LK LKA Sri Lanka
LR LBR Liberia
LS LSO Lesotho
LT LTU Lithuania
LU LUX Luxembourg|Luxemburg
LV LVA Latvia
LY LBY Libya
MA MAR Morocco
MC MCO Monaco
MD MDA Moldova|Moldova, Republic of|Republic of Moldova
ME MNE Montenegro
MF MAF Saint Martin|Saint Martin (French part)
MG MDG Madagascar
MH MHL Marshall Islands
MK MKD North Macedonia|Macedonia|Republic of North Macedonia
ML MLI Mali
MM MMR Myanmar|Burma|Myanmar (Burma)
MN MNG Mongolia
MO MAC Macao|Macau|Macao SAR|Macau SAR|Macao SAR China
MP MNP Northern Mariana Islands|Saipan
MQ MTQ Martinique
MR MRT Mauritania
MS MSR Montserrat
MT MLT Malta
MU MUS Mauritius
MV MDV Maldives
MW MWI Malawi
MX MEX Mexico
MY MYS Malaysia
MZ MOZ Mozambique
NA NAM Namibia
NC NCL New Caledonia
NE NER Niger
NF NFK Norfolk Island
NG NGA Nigeria
NI NIC Nicaragua
NL NLD Netherlands|Holland|Netherlands, Kingdom of the|Kingdom of the Netherlands
NO NOR Norway
NP NPL Nepal
NR NRU Nauru
NU NIU Niue
NZ NZL New Zealand|Aotearoa
OM OMN Oman
PA PAN Panama
PE PER Peru
PF PYF French Polynesia|Tahiti
PG PNG Papua New Guinea
PH PHL Philippines
PK PAK Pakistan
PL POL Poland
PM SPM Saint Pierre and Miquelon
PN PCN Pitcairn|Pitcairn Islands
PR PRI Puerto Rico
PS PSE Palestine|State of Palestine|Palestine, State of|Palestinian Territories
PT PRT Portugal
PW PLW Palau
PY PRY Paraguay
QA QAT Qatar
RE REU Reunion|Reunion Island
RO ROU Romania
RS SRB Serbia
RU RUS Russia|Russian Federation
RW RWA Rwanda
SA SAU Saudi Arabia|KSA|Kingdom of Saudi Arabia
SB SLB Solomon Islands
SC SYC Seychelles
SD SDN Sudan
SE SWE Sweden
SG SGP Singapore|Republic of Singapore|S'pore|Spore
SH SHN Saint Helena|Saint Helena, Ascension and Tristan da Cunha
SI SVN Slovenia
SJ SJM Svalbard and Jan Mayen|Svalbard
SK SVK Slovakia|Slovak Republic
SL SLE Sierra Leone
SM SMR San Marino
SN SEN Senegal
SO SOM Somalia
SR SUR Suriname
SS SSD South Sudan
ST STP Sao Tome and Principe
SV SLV El Salvador
SX SXM Sint Maarten|Sint Maarten (Dutch part)
SY SYR Syria|Syrian Arab Republic
SZ SWZ Eswatini|Swaziland
TA TAA Tristan da Cunha
TC TCA Turks and Caicos Islands|Turks and Caicos
TD TCD Chad
TF ATF French Southern Territories
TG TGO Togo
TH THA Thailand
TJ TJK Tajikistan
TK TKL Tokelau
TL TLS Timor-Leste|East Timor
TM TKM Turkmenistan
TN TUN Tunisia
TO TON Tonga
TR TUR Turkey|Turkiye
TT TTO Trinidad and Tobago|Trinidad
TV TUV Tuvalu
TW TWN Taiwan|Taiwan, Province of China|Taiwan, ROC
TZ TZA Tanzania|Tanzania, United Republic of|United Republic of Tanzania
UA UKR Ukraine
UG UGA Uganda
UM UMI United States Minor Outlying Islands|US Minor Outlying Islands|US Outlying Islands
US USA United States|United States of America|America
UY URY Uruguay
UZ UZB Uzbekistan
VA VAT Vatican City|Vatican|Holy See|Vatican City State
VC VCT Saint Vincent and the Grenadines|Saint Vincent and Grenadines|Saint Vincent
VE VEN Venezuela|Venezuela, Bolivarian Republic of|Bolivarian Republic of Venezuela
VG VGB British Virgin Islands|Virgin Islands, British|Virgin Islands (British)
VI VIR US Virgin Islands|United States Virgin Islands|Virgin Islands, US|Virgin Islands (U.S.)
VN VNM Vietnam|Viet Nam|Socialist Republic of Vietnam
VU VUT Vanuatu
WF WLF Wallis and Futuna
WS WSM Samoa|Western Samoa
XK XKX Kosovo
YE YEM Yemen
YT MYT Mayotte
ZA ZAF South Africa|Republic of South Africa|RSA
ZM ZMB Zambia
ZW ZWE Zimbabwe"""
"""ISO 3166-1 codes of two and three letters, then the names in use for the place. `AC`, `TA` and
`XK` are no country codes of ISO but regions of the telephone world."""

_DROPPED = re.compile("['\u2019.]")
_NOT_A_WORD = re.compile(r"\W+")
_SAINT = re.compile(r"\bst (?=\w)")


def _folded(name: str) -> str:
    """Return a name without what people write differently: accents, dots, `&`, `St.`, `The`."""
    plain = unicodedata.normalize("NFKD", name.replace("&", " and ")).casefold()
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    words = _NOT_A_WORD.sub(" ", _DROPPED.sub("", plain)).strip()
    return _SAINT.sub("saint ", words).removeprefix("the ")


@cache
def _codes() -> dict[str, str]:
    codes: dict[str, str] = {}
    for line in _TABLE.splitlines():
        two, three, names = line.split(" ", 2)
        for written in (two, three, *names.split("|")):
            codes[_folded(written)] = two
    return codes


@cache
def _two_letters() -> frozenset[str]:
    return frozenset(line[:2] for line in _TABLE.splitlines())


@lru_cache(maxsize=1024)
def country_code(written: str) -> str:
    """Return the ISO 3166 code of two letters for a code or an English name, any case.

    `sg`, `SGP`, `Singapore` and `SINGAPORE` are `SG`; `UK`, `U.S.A.`, `Viet Nam` and
    `Korea, Republic of` are understood as well. Anything else is `''`.
    """
    if written in _two_letters():  # as settings have it: no need to fold 900 names
        return written
    if len(written) > _LONGEST:
        return ""
    return _codes().get(_folded(written), "")
