import { describe, expect, it } from 'vitest';
import { formLine, formProblems, withoutForms } from '../src/engine/form.ts';
import type { Form } from '../src/engine/types.ts';

const edit: Form = {
  kind: 'form',
  label: 'Edit',
  title: 'Edit photos',
  line: 'edit photos',
  onlyChanges: true,
  fields: [
    { name: 'when', label: 'When', value: 'weekly' },
    { name: 'only', label: 'Only', word: 'only', value: '*.heic', emptied: 'all files' },
    { name: 'name', label: 'Name', word: 'named', quoted: true },
  ],
};

describe('a form becomes a line', () => {
  it('says only what changed', () => {
    expect(formLine(edit, { when: 'weekly', only: '*.heic', name: 'my photos' })).toBe('edit photos named "my photos"');
  });
  it('says what was taken out', () => {
    expect(formLine(edit, { when: 'daily', only: ' ', name: '' })).toBe('edit photos daily all files');
  });
  it('is no line when nothing changed', () => {
    expect(formLine(edit, { when: 'weekly', only: '*.heic' })).toBeUndefined();
  });
  it('asks for what must be filled in', () => {
    const form: Form = { ...edit, fields: [{ name: 'from', label: 'From', required: true }] };
    expect(formProblems(form, { from: '  ' })).toEqual({ from: 'Please fill in: From.' });
    expect(() => formLine(form, {})).toThrow('Please fill in: From.');
  });
  it('quotes names and never breaks the line', () => {
    const form: Form = {
      kind: 'form',
      label: 'Restore',
      title: 'Restore',
      line: 'restore photos',
      fields: [
        { name: 'files', label: 'Files', many: true },
        { name: 'from', label: 'From', word: 'from' },
      ],
    };
    expect(formLine(form, { files: 'a b.heic\nc"d.jpg', from: 'last\nmonday' })).toBe(
      'restore photos "a b.heic" "c""d.jpg" from last monday',
    );
    expect(formLine(form, { files: ['x.jpg'] })).toBe('restore photos x.jpg');
  });
});

describe('where nothing can be filled in', () => {
  it('forms that change something are one line beside the other choices', () => {
    const show = { kind: 'choices' as const, choices: [{ label: 'Show', line: 'show photos' }] };
    expect(withoutForms([edit, show, { ...edit, label: 'Filter' }])).toEqual([
      { kind: 'choices', choices: [...show.choices, { label: 'Edit, Filter', line: 'edit photos' }] },
    ]);
  });
  it('a form that begins something stays, and so do forms alone', () => {
    const { onlyChanges: _, ...begins } = edit;
    const show = { kind: 'choices' as const, choices: [{ label: 'Show', line: 'show photos' }] };
    expect(withoutForms([begins, show])).toEqual([begins, show]);
    expect(withoutForms([edit])).toEqual([edit]);
  });
});
