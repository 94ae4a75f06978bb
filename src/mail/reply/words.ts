/**
 * What mail programs of many languages write around the words of a person. Facts of those programs; compared with lines in
 * their comparable form (NFKC, lower case, nothing invisible, plain quotes and dashes, single spaces).
 */

/** "wrote", as the line above a quotation ends with it. */
export const WROTE =
  /(?:(?<![\p{L}\p{N}])(?:wrote|writes|schrieb|schreef|skrev|skreiv|a ecrit|ecrit|escribio|escreveu|ha scritto|scrive|va escriure|a scris|kirjoitti|kirjutas|napisal(?:\(a\)|a)?|pisze|napsal(?:\(a\)|a)?|je napisao|je napisala|ezt irta|irta|rakstija|rase|pise|пишет|написал(?:\(а\)|а)?|писал|пише|написав|написа|написао|εγραψε|yazdi|menulis|da viet|נכתב על ידי|כתבה?|كتبت?|نوشت)|写道|寫道|写到|のメール|は書きました|작성|작성한 메시지|เขียนว่า)$/u;

/** How the line above a quotation begins, where the date or the preposition comes first. */
export const ON =
  /^(?:on|at|am|le|el|il(?: giorno)?|em|no dia|op|den|pa|w dniu|dnia|dne|dna|v|в|στις|in data|pe|in|la|ke|ma|ti|to|su|pon|wt|sr|czw|pt|sob|niedz|po|ut|st|ct|so|ne|man|tirs?|ons|tors?|fre|lor|son|mon|tue|wed|thu|fri|sat|sun|lun|mar|mer|jeu|ven|sam|dim|mie|jue|vie|sab|dom|gio|seg|ter|qua|qui|sex|mo|di|mi|do|fr|sa|пн|вт|ср|чт|пт|сб|вс|нд|vao|pada|在|於|于|في|بتاريخ|בתאריך|ב-)(?=[\s,.:、،]|\d)/u;

/** Labels of the header that stands above a quotation without marks; one list for each header. */
const LABELS: readonly string[] = [
  'from|von|de|da|desde|remitente|expediteur|van|fra|fran|lahettaja|od|nadawca|odesilatel|odosielatel|felado|от|от кого|від|kimden|gonderen|差出人|送信者|发件人|寄件者|寄件人|보낸 사람|보낸사람|발신|من|מאת|de la|mittente|remetente|saatja|nuo|no|αποστολεας|απο|dari|tu|จาก|avsender|afsender|enviado por|od koga|salje|از',
  'to|an|a|para|pour|aan|til|till|vastaanottaja|do|komu|cimzett|кому|kime|alici|宛先|收件人|收件者|받는 사람|받는사람|수신|إلى|الى|אל|catre|destinatario|destinataire|προς|kepada|den|ถึง|saaja|kam|za|prima|mottagare|modtager|mottaker|به',
  'sent|date|gesendet|datum|envoye|enviado|enviada|enviada em|enviado el|fecha|data|inviato|verzonden|sendt|dato|skickat|lahetetty|paivays|wyslano|wyslane|odeslano|odoslane|kuldve|elkuldve|отправлено|дата|надіслано|gonderildi|gonderilme tarihi|tarih|送信日時|日付|日時|发送时间|发送日期|日期|傳送時間|寄件日期|보낸 날짜|날짜|تاريخ الإرسال|التاريخ|تم الإرسال|נשלח|תאריך|trimis|ημερομηνια|εσταλη|dikirim|tanggal|gui|ngay|saadetud|issiusta|poslano|datum i vreme|ส่ง|received|تاریخ',
  'subject|betreff|objet|asunto|assunto|oggetto|onderwerp|emne|amne|aihe|temat|predmet|targy|тема|konu|件名|主题|主題|主旨|제목|الموضوع|נושא|subiect|θεμα|perihal|chu de|tieu de|teema|tema|หัวเรื่อง|re|موضوع',
  'cc|kopie|kopia|kopi|копия|копія|抄送|副本|참조|bilgi|reply-to|antwort an|repondre a|responder a|importance|attachments',
];

export type LabelKind = 'from' | 'to' | 'date' | 'subject' | 'other';
const KINDS: readonly LabelKind[] = ['from', 'to', 'date', 'subject', 'other'];

/** Every label and the headers that it can stand for ("de" is From, "den" is To). */
export const LABEL_KINDS: ReadonlyMap<string, ReadonlySet<LabelKind>> = (() => {
  const kinds = new Map<string, Set<LabelKind>>();
  for (const [index, labels] of LABELS.entries()) {
    for (const label of labels.split('|')) {
      const known = kinds.get(label) ?? new Set<LabelKind>();
      known.add(KINDS[index] ?? 'other');
      kinds.set(label, known);
    }
  }
  return kinds;
})();

/** Between dashes or alone on a line: everything below is another mail, as an answer quotes it. */
export const ORIGINAL =
  /^(?:original(?: e-?mail| appointment)? ?message|original e-?mail|original appointment|message d'origine|message original|courriel original|ursprungliche nachricht|urspruengliche nachricht|originalnachricht|original-nachricht|mensaje original|correo original|mensagem original|messaggio originale|oorspronkelijk bericht|originele e-?mail|origineel bericht|oprindelig meddelelse|opprinnelig melding|original ?meddelelse|originalmeddelande|ursprungligt meddelande|alkuperainen viesti|oryginalna wiadomosc|wiadomosc oryginalna|puvodni zprava|povodna sprava|eredeti uzenet|исходное сообщение|оригинальное сообщение|пересылаемое сообщение|оригінальне повідомлення|вихідне повідомлення|orijinal ileti|orijinal mesaj|original ?ileti|mesaj original|mesajul original|αρχικο μηνυμα|元のメッセージ|元のメール|オリジナルメッセージ|原始邮件|回复的原邮件|原邮件|原始郵件|원본 메시지|원본 메일|원본메일|الرسالة الأصلية|ההודעה המקורית|הודעה מקורית|pesan asli|thu goc|izvorna poruka|reply message|replied message|mensaje de respuesta)$/u;

/** The same for a mail that is handed on. */
export const FORWARDED =
  /^(?:forwarded (?:message|mail|e-?mail)(?: (?:from|follows).{0,80})?|forwarded by .{0,80}|begin forwarded message|start of forwarded message|weitergeleitete (?:nachricht|mail|e-?mail)|anfang der weitergeleiteten (?:nachricht|e-?mail)|beginn der weitergeleiteten nachricht|message transfere|courriel transfere|debut du message (?:transfere|reexpedie)|mensaje reenviado|inicio del mensaje reenviado|mensagem encaminhada|mensagem reenviada|inicio da mensagem (?:encaminhada|reencaminhada)|messaggio inoltrato|inizio messaggio inoltrato|doorgestuurd bericht|begin doorgestuurd bericht|videresendt meddelelse|start pa videresendt besked|videresendt besked|videresendt melding|videresendt e-?post|vidarebefordrat (?:meddelande|brev|mejl)|valitetty viesti|edelleen lahetetty viesti|przekazana wiadomosc|poczatek przekazywanej wiadomosci|wiadomosc przekazana|preposlana zprava|zacatek preposilane zpravy|preposlana sprava|tovabbitott (?:uzenet|level)|пересылаемое сообщение|пересланное сообщение|начало переадресованного сообщения|переслане повідомлення|iletilen (?:ileti|mesaj)|yonlendirilmis mesaj|mesaj redirectionat|προωθημενο μηνυμα|転送されたメッセージ|転送メッセージ|転送メール|转发的邮件|转发邮件|被转发邮件|轉寄郵件|轉寄的郵件|已轉寄的郵件|전달된 메시지|전달된 메일|전달 메시지|رسالة تمت إعادة توجيهها|الرسالة المعاد توجيهها|رسالة معاد توجيهها|הודעה שהועברה|הודעה מועברת|pesan terusan|thu da chuyen tiep|missatge reenviat)$/u;

/** What phones, web mail and other programs put below the words: "Sent from my …". */
export const SENT_FROM =
  /^[<(*_]{0,3}(?:sent (?:from|via|with|using|by) |get outlook for |get the outlook |download outlook |outlook (?:fur|pour|para|per|voor|for) (?:android|ios)|von meinem .{1,40} gesendet|gesendet (?:von|mit|uber|aus) |diese nachricht wurde von mein|envoye (?:de|depuis|a partir|avec|par) |telecharger outlook|obtenez outlook|enviado (?:desde|do|da|com|con|a partir|pelo|por|de) |enviada? (?:do|da) |obtener outlook|obter (?:o )?outlook|inviato (?:da|dal|con|tramite) |scarica outlook|ottieni outlook|verzonden (?:vanaf|met|via) |verstuurd vanaf |outlook voor |sendt (?:fra|via|med) |hent outlook|skickat (?:fran|med|via) |hamta outlook|lahetetty |hanki outlook|wyslan[eoy] (?:z|za|przy) |pobierz |odeslano (?:z|ze|pomoci) |odoslane z |elkuldve |kuldve |отправлено (?:с|из) |надіслано з |iphone'?um?dan gonderildi|.{0,30}(?:'?dan|'?den|dan|den) gonderildi$|iphoneから送信|ipadから送信|.{0,30}から送信$|androidのoutlook|发自我的|发自|來自我的|从我的.{1,20}发送|從我的.{1,20}(?:傳送|發送)|获取 ?outlook|取得 ?outlook|내 .{1,20}에서 보냄|나의 .{1,20}에서 보냄|.{1,20}에서 보냄$|.{1,20}에서 보낸 메일|أرسلت من|أُرسلت من|تم الإرسال من|مرسل من|נשלח מ|trimis de pe |στάλθηκε από|σταλθηκε απο|dikirim dari |duoc gui tu |poslano s |poslano z |enviat des )/u;

/** Notices of firms, above or below. They are never words to Keepsake, whatever they ask to be deleted. */
export const DISCLAIMER =
  /^(?:\W{0,6})(?:(?:important )?(?:confidentiality|privacy|legal|confidential)(?: and privilege[d]?)? ?(?:notice|note|statement|disclaimer|warning)|disclaimer|this (?:e-?mail|message|communication|transmission|electronic (?:mail|message))(?:,? (?:and|including|together with) .{1,80}?)? (?:is|are|may|contains?|was|has been) .{0,60}(?:confidential|privileged|intended|scanned|virus)|this (?:e-?mail|message) and any|the (?:information|contents?)(?: contained)? (?:in|of) this|if you (?:are not|have received)|please consider the environment|think before you print|virus-free|avast|diese (?:e-?mail|nachricht) (?:enthalt|ist|kann)|diese e-?mail und|vertraulichkeitshinweis|haftungsausschluss|bitte (?:prufen|denken) sie .{0,60}(?:drucken|umwelt)|ce (?:message|courriel|mail|courrier)(?:,? et| est| peut| contient)|avis de confidentialite|este (?:mensaje|correo|e-?mail)(?: electronico)?(?: y| es| puede| se dirige| contiene| e | pode)|aviso (?:legal|de confidencialid)|esta mensagem|il (?:presente messaggio|contenuto)|questo messaggio|avviso di riservatezza|dit (?:bericht|e-?mailbericht)|de informatie (?:in|verzonden)|denne (?:e-?mail|meddelelse|e-?post)|detta (?:meddelande|e-?post)|ta wiadomosc|tresc tej|tato zprava|это сообщение|данное сообщение|bu (?:e-?posta|mesaj|ileti)|このメール(?:は|に)|本メール|本邮件|此邮件|이 (?:메일|메시지|전자우편)(?:은|는)|本電子郵件)/u;

/** What servers put above mails from elsewhere; the words come below it. */
export const BANNER =
  /^\W{0,6}(?:(?:caution|warning|attention|notice|achtung|vorsicht|attenzione|atencion|atencao|let op|waarschuwing)\s*[:!-]+ ?.{0,40}(?:external|outside|originated|sender|extern|fremd|exterieur|esterno|externo|organi[sz]ation)|(?:this|the) (?:e-?mail|message) (?:originated|came|was sent|is) from (?:an )?(?:outside|external|someone outside)|external (?:e-?mail|sender|message)\W{0,6}$|\[?external\]?\W{0,6}$|you don'?t often (?:get|receive) e-?mail from|sie erhalten nicht (?:oft|haufig) e-?mails? von|vous n'obtenez pas souvent|no suele recibir|non si ricevono spesso|diese (?:e-?mail|nachricht) (?:kommt|stammt|wurde) von (?:einem )?(?:extern|ausserhalb)|externe (?:e-?mail|nachricht)\W{0,6}$)/u;

const TO_WHOM = '(?: (?:keepsake|backup|bot|there|all|team|keepsake team|everyone|zusammen|a tous|a todos|a tutti))?';

/** A greeting and nothing else; with more on its line it is left to the grammar, which does not know it. */
export const GREETING = new RegExp(
  `^(?:hi|hello|hey|hiya|dear|good (?:morning|afternoon|evening)|greetings|hallo|guten (?:tag|morgen|abend)|moin|servus|gruss gott|liebe[rs]?|sehr geehrte damen und herren|bonjour|bonsoir|salut|hola|buenos dias|buenas(?: tardes)?|querido|ola|bom dia|boa (?:tarde|noite)|ciao|salve|buongiorno|buonasera|goedemorgen|goedemiddag|beste|hoi|hej|hejsan|god morgon|god morgen|hei|moi|terve|czesc|dzien dobry|witam|ahoj|dobry den|szia|udv|привет|здравствуйте|добрый день|привіт|добрий день|γεια|merhaba|selam|こんにちは|お世話になっております|您好|你好|안녕하세요|مرحبا|السلام عليكم|שלום|halo|xin chao)${TO_WHOM}\\W{0,3}$`,
  'u',
);

/** Before a subject: an answer. */
const ANSWERED =
  're|aw|antw|sv|odp|ref|rif|res|r|vs|vá|va|ynt|yan|отв|ответ|відп|bls|tl|απ|σχετ|回复|回覆|答复|答覆|返信|답장|회신|השב|תגובה|رد';
/** Before a subject: handed on. `VS` is "videresendt" in Danish and "vastaus", an answer, in Finnish; `I` is Italian. */
const HANDED_ON =
  'fw|fwd|wg|wtr|tr|rv|enc|doorst|vb|vl|vs|pd|i|inoltro|tova?bbitas|továbbítás|továbbitás|ilt|ilet|пер|пересл|перенапр|переслано|fs|trs|转发|轉寄|轉發|転送|전달|הועבר|إعادة توجيه|تحويل';

/** One prefix of a subject. `[EXTERNAL]` and the like are put before by servers. */
export const PREFIX = new RegExp(
  `^(?:\\[(?:ext|external|extern)\\]\\s*|(?:${ANSWERED}|${HANDED_ON})\\s*(?:\\[\\d{1,3}\\]|\\(\\d{1,3}\\)|\\d{1,3})?\\s*:\\s*)`,
  'iu',
);
export const FORWARD_PREFIX = new RegExp(`^(?:${HANDED_ON.replace('|vs|', '|')})\\s*(?:\\[\\d{1,3}\\])?\\s*:`, 'iu');

/** Keepsake's own small print, when a mail program loses the marks of the quotation. */
export const OWN_WORDS =
  /^(?:keepsake reads only your first line|choose one of these, or write it as the first line|(?:-|#|=)*\s*(?:reply|answer|write) above this line|what you can say next:)/u;

/** A text part that only says that the mail is in HTML. */
export const ONLY_HTML =
  /\bhtml\b|(?:view|open|read) this (?:e-?mail|message|mail) (?:in|with|online)|im browser (?:offnen|ansehen|anzeigen)|does not support/u;
