import * as Radix from '@radix-ui/react-dialog';
import type { ReactNode } from 'react';
import { Button, IconButton } from './button';

interface DialogProps {
  open: boolean;
  onClose: () => void;
  title: string;
  description?: string;
  side?: boolean; // a drawer at the right instead of a box in the middle
  children: ReactNode;
}

// Radix's own overlay would put a style element into the page, which the content security policy
// forbids; ours is a plain div.
export function Dialog({ open, onClose, title, description, side, children }: DialogProps) {
  return (
    <Radix.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Radix.Portal>
        <div className="backdrop" aria-hidden="true" />
        <Radix.Content
          className={side ? 'dialog dialog-side' : 'dialog'}
          {...(description ? {} : { 'aria-describedby': undefined })}
        >
          <header className="dialog-head">
            <Radix.Title className="dialog-title">{title}</Radix.Title>
            <Radix.Close asChild>
              <IconButton icon="close" label="Close" />
            </Radix.Close>
          </header>
          {description && <Radix.Description className="muted">{description}</Radix.Description>}
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

export const DELETE_CONSEQUENCE =
  'Its file, transcript and search results go with it, and links to it stop working. ' +
  'This cannot be undone.';

interface ConfirmProps {
  open: boolean;
  onClose: () => void;
  onConfirm: () => void;
  title: string; // names the object
  consequence: string;
  action: string;
  busy?: boolean;
}

/** For what cannot be undone. */
export function ConfirmDialog(props: ConfirmProps) {
  const { open, onClose, onConfirm, title, consequence, action, busy = false } = props;
  return (
    <Dialog open={open} onClose={onClose} title={title} description={consequence}>
      <div className="dialog-actions">
        <Button onClick={onClose}>Keep it</Button>
        <Button look="danger" onClick={onConfirm} disabled={busy}>
          {action}
        </Button>
      </div>
    </Dialog>
  );
}
