"""The one table of the site."""

from django.conf import settings
from django.db import models


class Note(models.Model):
    title = models.CharField(max_length=100, unique=True)
    text = models.TextField(blank=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)

    class Meta:
        app_label = "notes_app"
