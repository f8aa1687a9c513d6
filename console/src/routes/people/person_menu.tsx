import { type ReactNode, useState } from 'react';
import { Button, IconButton } from '../../components/button';
import { Menu, MenuItem } from '../../components/menu';
import { useMay } from '../../components/use_may';
import { type ErasureProof, MAY_CHANGE, MAY_ERASE, type Profile } from '../../services/people';
import { EraseDialog } from './erase_dialog';
import { MergeDialog } from './merge_dialog';
import { NameDialog } from './name_dialog';
import { SplitDialog } from './split_dialog';

interface PersonMenuProps {
  profile: Profile;
  onErased: (proof: ErasureProof) => void;
}

type Open = 'name' | 'merge' | 'split' | 'erase';

/** What can be done with a person; who may not is not offered it. */
export function PersonMenu({ profile, onErased }: PersonMenuProps) {
  const { person, appearances } = profile;
  const [open, setOpen] = useState<Open | null>(null);
  const mayChange = useMay(MAY_CHANGE);
  const mayErase = useMay(MAY_ERASE);
  const close = () => setOpen(null);
  const dialogs: Readonly<Record<Open, ReactNode>> = {
    name: <NameDialog person={person} onClose={close} />,
    merge: <MergeDialog person={person} onClose={close} />,
    split: <SplitDialog profile={profile} onClose={close} />,
    erase: <EraseDialog person={person} onClose={close} onErased={onErased} />,
  };
  if (!mayChange && !mayErase) return null;
  return (
    <span className="person-actions">
      {mayChange && (
        <Button icon="edit" onClick={() => setOpen('name')}>
          {person.state === 'named' ? 'Rename' : 'Name this voice'}
        </Button>
      )}
      <Menu trigger={<IconButton icon="more" label="More for this person" />}>
        {mayChange && (
          <MenuItem icon="merge" onSelect={() => setOpen('merge')}>
            Merge into somebody…
          </MenuItem>
        )}
        {mayChange && (
          <MenuItem
            icon="split"
            disabled={appearances.length < 2}
            onSelect={() => setOpen('split')}
          >
            Split some voices out…
          </MenuItem>
        )}
        {mayErase && (
          <MenuItem icon="trash" danger onSelect={() => setOpen('erase')}>
            Erase…
          </MenuItem>
        )}
      </Menu>
      {open && dialogs[open]}
    </span>
  );
}
