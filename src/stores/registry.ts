import { directoryStore, type StoreContext } from './directory.ts';
import type { StoreSettings } from './settings.ts';
import type { Store } from './store.ts';

/** The store that the settings name. Touches nothing yet. */
export function connectStore(settings: StoreSettings, context: StoreContext): Store {
  switch (settings.kind) {
    case 'directory':
      return directoryStore.connect(settings, context);
  }
}
