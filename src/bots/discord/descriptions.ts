/** What Discord shows beside each subcommand, in the languages of most of its users. At most 100 characters each. */

/** Discord's own names: https://docs.discord.com/developers/reference#locales */
export type Language = 'de' | 'fr' | 'es-ES' | 'pt-BR';

export type Described = { en: string } & Record<Language, string>;

export const COMMAND: Described = {
  en: 'Back up, watch and restore your files and photos.',
  de: 'Dateien und Fotos sichern, im Blick behalten und zurückholen.',
  fr: 'Sauvegarder, surveiller et restaurer vos fichiers et photos.',
  'es-ES': 'Copia, vigila y restaura tus archivos y fotos.',
  'pt-BR': 'Faça backup, acompanhe e restaure seus arquivos e fotos.',
};

const row = (en: string, de: string, fr: string, es: string, pt: string): Described => ({
  en,
  de,
  fr,
  'es-ES': es,
  'pt-BR': pt,
});

export const DESCRIPTIONS: Readonly<Record<string, Described>> = {
  new: row(
    'Set up a backup and start it.',
    'Eine Sicherung einrichten und starten.',
    'Créer une sauvegarde et la lancer.',
    'Crear una copia de seguridad e iniciarla.',
    'Criar um backup e iniciá-lo.',
  ),
  run: row(
    'Run a backup now.',
    'Eine Sicherung jetzt ausführen.',
    'Lancer une sauvegarde maintenant.',
    'Ejecutar una copia ahora.',
    'Executar um backup agora.',
  ),
  status: row(
    'Am I safe? All backups in one look.',
    'Bin ich sicher? Alle Sicherungen auf einen Blick.',
    "Suis-je à l'abri ? Toutes les sauvegardes d'un coup d'œil.",
    '¿Estoy a salvo? Todas las copias de un vistazo.',
    'Estou protegido? Todos os backups de uma vez.',
  ),
  list: row(
    'List your backups.',
    'Deine Sicherungen auflisten.',
    'Lister vos sauvegardes.',
    'Mostrar tus copias de seguridad.',
    'Listar seus backups.',
  ),
  show: row(
    'Show everything about one backup.',
    'Alles über eine Sicherung zeigen.',
    "Tout montrer d'une sauvegarde.",
    'Mostrar todo sobre una copia.',
    'Mostrar tudo sobre um backup.',
  ),
  pause: row(
    'Hold the schedule of a backup.',
    'Den Zeitplan einer Sicherung anhalten.',
    "Suspendre le calendrier d'une sauvegarde.",
    'Pausar la programación de una copia.',
    'Pausar a programação de um backup.',
  ),
  resume: row(
    'Let a paused backup go on.',
    'Eine angehaltene Sicherung fortsetzen.',
    'Reprendre une sauvegarde suspendue.',
    'Reanudar una copia pausada.',
    'Retomar um backup pausado.',
  ),
  stop: row(
    'End the run that is going on.',
    'Den laufenden Durchgang beenden.',
    "Arrêter l'exécution en cours.",
    'Detener la ejecución en curso.',
    'Parar a execução em andamento.',
  ),
  edit: row(
    'Change the schedule, files or name of a backup.',
    'Zeitplan, Dateien oder Namen einer Sicherung ändern.',
    "Modifier le calendrier, les fichiers ou le nom d'une sauvegarde.",
    'Cambiar la programación, los archivos o el nombre de una copia.',
    'Alterar a programação, os arquivos ou o nome de um backup.',
  ),
  restore: row(
    'Get files back. Shows first what would be written.',
    'Dateien zurückholen. Zeigt zuerst, was geschrieben würde.',
    "Récupérer des fichiers. Montre d'abord ce qui serait écrit.",
    'Recuperar archivos. Muestra antes lo que se escribiría.',
    'Recuperar arquivos. Mostra antes o que seria gravado.',
  ),
  find: row(
    'Find a file in your backups.',
    'Eine Datei in deinen Sicherungen finden.',
    'Trouver un fichier dans vos sauvegardes.',
    'Buscar un archivo en tus copias.',
    'Encontrar um arquivo nos seus backups.',
  ),
  verify: row(
    'Check that the copies are what they should be.',
    'Prüfen, ob die Kopien sind, wie sie sein sollen.',
    'Vérifier que les copies sont intactes.',
    'Comprobar que las copias están intactas.',
    'Verificar se as cópias estão íntegras.',
  ),
  history: row(
    'Show the last runs.',
    'Die letzten Durchgänge zeigen.',
    'Montrer les dernières exécutions.',
    'Mostrar las últimas ejecuciones.',
    'Mostrar as últimas execuções.',
  ),
  snapshots: row(
    'Show which states can be restored.',
    'Zeigen, welche Stände zurückgeholt werden können.',
    'Montrer les états qui peuvent être restaurés.',
    'Mostrar los estados que se pueden restaurar.',
    'Mostrar os estados que podem ser restaurados.',
  ),
  accounts: row(
    'Show your connected accounts.',
    'Deine verbundenen Konten zeigen.',
    'Montrer vos comptes connectés.',
    'Mostrar tus cuentas conectadas.',
    'Mostrar suas contas conectadas.',
  ),
  connect: row(
    'Connect a cloud or a server.',
    'Eine Cloud oder einen Server verbinden.',
    'Connecter un cloud ou un serveur.',
    'Conectar una nube o un servidor.',
    'Conectar uma nuvem ou um servidor.',
  ),
  share: row(
    'Show the cards and reports of a backup in this channel.',
    'Stand und Berichte einer Sicherung in diesem Kanal zeigen.',
    "Montrer l'état et les rapports d'une sauvegarde dans ce salon.",
    'Mostrar el estado y los informes de una copia en este canal.',
    'Mostrar o estado e os relatórios de um backup neste canal.',
  ),
  delete: row(
    'Delete a plan. The copies stay where they are.',
    'Einen Plan löschen. Die Kopien bleiben, wo sie sind.',
    'Supprimer un plan. Les copies restent où elles sont.',
    'Eliminar un plan. Las copias se quedan donde están.',
    'Excluir um plano. As cópias ficam onde estão.',
  ),
  timezone: row(
    'Show or set your time zone.',
    'Deine Zeitzone zeigen oder ändern.',
    'Montrer ou choisir votre fuseau horaire.',
    'Ver o cambiar tu zona horaria.',
    'Ver ou alterar seu fuso horário.',
  ),
  link: row(
    'Be the same person here and elsewhere (Slack, mail, terminal).',
    'Hier und anderswo dieselbe Person sein (Slack, Mail, Terminal).',
    'Être la même personne ici et ailleurs (Slack, e-mail, terminal).',
    'Ser la misma persona aquí y en otros sitios (Slack, correo, terminal).',
    'Ser a mesma pessoa aqui e em outros lugares (Slack, e-mail, terminal).',
  ),
  join: row(
    'Accept an invitation.',
    'Eine Einladung annehmen.',
    'Accepter une invitation.',
    'Aceptar una invitación.',
    'Aceitar um convite.',
  ),
  claim: row(
    'Become the owner, with the code from the log.',
    'Besitzer werden, mit dem Code aus dem Protokoll.',
    'Devenir propriétaire, avec le code du journal.',
    'Hacerte propietario, con el código del registro.',
    'Tornar-se o dono, com o código do log.',
  ),
  forget: row(
    'See what is stored about you, and delete it.',
    'Sehen, was über dich gespeichert ist, und es löschen.',
    'Voir ce qui est enregistré sur vous, et le supprimer.',
    'Ver lo que se guarda sobre ti y eliminarlo.',
    'Ver o que está guardado sobre você e apagar.',
  ),
  help: row(
    'Show what can be said.',
    'Zeigen, was man sagen kann.',
    "Montrer ce qu'on peut dire.",
    'Mostrar lo que se puede decir.',
    'Mostrar o que pode ser dito.',
  ),
  ask: row(
    'Say it in one line, as you would type it.',
    'In einer Zeile sagen, wie man es tippen würde.',
    "Le dire en une ligne, comme on l'écrirait.",
    'Decirlo en una línea, como lo escribirías.',
    'Dizer em uma linha, como você digitaria.',
  ),
};
